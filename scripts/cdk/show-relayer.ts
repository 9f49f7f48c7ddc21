import { createKmsSigner } from '../../adapters/kms/kms-signer.ts';

/*
 * The account of a deployed relayer: whom to send ether, and whom owners name in ASC. Its public key comes from KMS, with
 * the caller's own credentials:
 *
 *   node scripts/cdk/show-relayer.ts <RelayerKeyId>
 */
const [keyId] = process.argv.slice(2);
const region = process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;
if (keyId === undefined || region === undefined) {
  console.error('Give the id of the key (output RelayerKeyId of the stack), and its region as AWS_REGION.');
  process.exitCode = 1;
} else {
  const signer = await createKmsSigner({ region, keyId, endpoint: null, credentials: null });
  console.log(signer.account);
  signer.close();
}
