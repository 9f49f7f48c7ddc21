/**
 * Writes the console to build/console/app, and says what it weighs. Ends with 1 where that is more than it may.
 *
 *     node dev/console/write-console.ts
 */
import { MAX_CONSOLE_BYTES, writeConsole } from './build-console.ts';

const { folder, files } = await writeConsole();
for (const { name, bytes, compressedBytes } of files) {
  console.log(`${name.padEnd(12)} ${bytes.length} bytes, ${compressedBytes} compressed`);
}
const sum = files.reduce((all, { compressedBytes }) => all + compressedBytes, 0);
console.log(`${folder}: ${sum} bytes compressed, of ${MAX_CONSOLE_BYTES} that it may have`);
if (sum > MAX_CONSOLE_BYTES) process.exitCode = 1;
