export { quickenKeystore } from '../../examples/demo/quicken-keystore.ts';
