import { isMissingFile, readSecretFile } from '../adapters/keys/secret-file.ts';
import { FileError } from '../core/errors.ts';
import { type AuditorFile, parseAuditorFile } from '../core/wire/auditor-file.ts';

export {
  type AuditedDataset,
  type AuditorFile,
  auditedDataset,
  auditKeysOf,
  auditorFileText,
} from '../core/wire/auditor-file.ts';

/** @throws FileError when it is missing, readable by others or malformed */
export async function readAuditorFile(path: string): Promise<AuditorFile> {
  let text: string;
  try {
    text = await readSecretFile(path);
  } catch (cause) {
    if (!isMissingFile(cause)) throw cause;
    throw new FileError(
      `There is no ${path}. The owner of the dataset writes it: plumb owner auditor NAME --out FILE`,
      {
        cause,
      },
    );
  }
  return parseAuditorFile(text, path);
}
