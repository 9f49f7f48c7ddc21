import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FileError } from '../../core/errors.ts';
import type { DeploymentsFile } from '../../core/wire/deployments-file.ts';
import { CONTRACTS } from './deployables.ts';

/** Replaces the file at once: a reader sees the old content or the new, also after a crash. */
export async function writeDeployments(path: string, deployments: DeploymentsFile): Promise<void> {
  const temporary = `${path}.${process.pid}.new`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(temporary, 'w', 0o644);
    try {
      await file.writeFile(`${JSON.stringify(deployments, null, 2)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new FileError(`${path} cannot be written (${(cause as NodeJS.ErrnoException).code}).`, { cause });
  }
}

/** @throws FileError when the file is about other contracts: others read it, and would lose theirs */
export function requireSameContracts(path: string, former: DeploymentsFile, wanted: DeploymentsFile): void {
  const other = CONTRACTS.find((name) => former.contracts[name].address !== wanted.contracts[name].address);
  if (former.chainId === wanted.chainId && other === undefined) return;
  const what =
    other === undefined
      ? `chain ${former.chainId}`
      : `${other} at ${former.contracts[other].address}, but this deployment would be at ${wanted.contracts[other].address}`;
  throw new FileError(
    `${path} describes ${what}, so it is not replaced. Move it away, give another --out, or the same --min-window and --answer-gas.`,
  );
}
