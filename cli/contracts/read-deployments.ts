import { readFile } from 'node:fs/promises';
import { InvalidInputError } from '../../core/errors.ts';
import { type DeploymentsFile, deploymentsFile } from '../../core/wire/deployments-file.ts';

/** Reads a `deployments/<chainId>.json`; nothing in it is secret. @throws InvalidInputError */
export async function readDeployments(path: string): Promise<DeploymentsFile> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new InvalidInputError(
      `${path} cannot be read (${code}). plumb contracts deploy writes it; name the right file.`,
      { cause },
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new InvalidInputError(`${path} is not JSON.`, { cause });
  }
  const parsed = deploymentsFile.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new InvalidInputError(`${path} is malformed at ${issue?.path.join('.') || 'its top'}: ${issue?.message}.`);
}
