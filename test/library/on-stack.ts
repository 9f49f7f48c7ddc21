/** What an example of client/ takes for granted and only a stack has. */
export const ON_STACK = [
  ...['agent', 'agreement', 'bucket', 'channel', 'charters', 'connection', 'consumerService', 'dataset'],
  ...['datasetKeyOf', 'disscOwner', 'encryptionKey', 'fetchManifest', 'fromBlock', 'granter', 'grants', 'keys'],
  ...['ledger', 'looker', 'market', 'offersSecret', 'openSource', 'operator', 'owner', 'ownerParty', 'party'],
  ...['purchase', 'purchaseLog', 'purchaseStore', 'rounds', 'saleParts', 'sales', 'service', 'signerKey'],
];
