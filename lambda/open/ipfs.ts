import { createKuboP2pfs } from '../../adapters/ipfs/kubo-p2pfs.ts';
import { readSecret } from '../../adapters/secrets/read-secret.ts';
import type { ServicePorts } from '../../functions/ports.ts';
import type { Environment } from '../environment.ts';

/** The operator's node, if one is named. @throws StoreUnavailableError when Secrets Manager does not answer */
export async function openIpfs(env: Environment): Promise<Pick<ServicePorts, 'p2pfs'>> {
  const apiUrl = env.optional('PLUMBLINE_IPFS_API', env.url);
  if (apiUrl === null) return { p2pfs: null };
  const secretId = env.optional('PLUMBLINE_IPFS_TOKEN_SECRET', env.text);
  if (secretId === null) return { p2pfs: createKuboP2pfs({ apiUrl }) };
  const { region, secretsEndpoint: endpoint, credentials } = env.lambda;
  const bearerToken = await readSecret({ region, secretId, endpoint, credentials: credentials() });
  return { p2pfs: createKuboP2pfs({ apiUrl, bearerToken }) };
}
