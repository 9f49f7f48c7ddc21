import { same } from '../reference/accounts.ts';
import { hex, type Json, unhex } from '../reference/bytes.ts';
import { consistencyProof, inclusionPath, treeHash } from '../reference/merkle.ts';

const LEAVES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];

const EMPTY_ROOT = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const ROOTS = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
const NODES = {
  leaf1: '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
  node2to3: '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
  node4to7: '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
  leaf4: 'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
  node6to7: 'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
  node4to5: '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
  leaf6: 'b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f',
};
const [LEAF0, NODE0TO1, NODE0TO3] = [ROOTS[0]!, ROOTS[1]!, ROOTS[3]!];

const INCLUSION: [index: number, size: number, path: string[]][] = [
  [0, 1, []],
  [0, 8, [NODES.leaf1, NODES.node2to3, NODES.node4to7]],
  [5, 8, [NODES.leaf4, NODES.node6to7, NODE0TO3]],
  [2, 3, [NODE0TO1]],
  [1, 5, [LEAF0, NODES.node2to3, NODES.leaf4]],
];
const CONSISTENCY: [from: number, to: number, proof: string[]][] = [
  [1, 1, []],
  [1, 8, [NODES.leaf1, NODES.node2to3, NODES.node4to7]],
  [6, 8, [NODES.node4to5, NODES.node6to7, NODE0TO3]],
  [2, 5, [NODES.node2to3, NODES.leaf4]],
  [6, 7, [NODES.node4to5, NODES.leaf6, NODE0TO3]],
];

/** The tree that the Certificate Transparency implementations test themselves with. */
export function merkleVectors(): Json {
  const leaves = LEAVES.map((leaf) => unhex(`0x${leaf}`));
  same('empty root', hex(treeHash([])), `0x${EMPTY_ROOT}`);
  return {
    source:
      'google/certificate-transparency and transparency-dev/merkle, proof/verify_test.go (RFC 6962 and 9162 trees)',
    note: 'index from 0; each path is listed from the leaf upwards, each consistency proof in the order of RFC 9162 2.1.4.1',
    leaves: leaves.map(hex),
    emptyRoot: `0x${EMPTY_ROOT}`,
    roots: ROOTS.map((root, i) => {
      same(`root of ${i + 1}`, hex(treeHash(leaves.slice(0, i + 1))), `0x${root}`);
      return `0x${root}`;
    }),
    inclusion: INCLUSION.map(([index, size, path]) => {
      const seen = inclusionPath(index, leaves.slice(0, size)).map(hex);
      same(`path of ${index} in ${size}`, seen.join(), path.map((node) => `0x${node}`).join());
      return { index, size, path: seen };
    }),
    consistency: CONSISTENCY.map(([from, to, proof]) => {
      const seen = consistencyProof(from, leaves.slice(0, to)).map(hex);
      same(`proof from ${from} to ${to}`, seen.join(), proof.map((node) => `0x${node}`).join());
      return { from, to, proof: seen };
    }),
  };
}
