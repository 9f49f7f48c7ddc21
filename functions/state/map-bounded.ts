/** Maps a list in order, at most `parallel` at once. The first failure stops what has not begun. */
export async function mapBounded<T, R>(
  list: readonly T[],
  parallel: number,
  map: (value: T, position: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = new Array(list.length);
  let next = 0;
  let failed = false;
  const worker = async () => {
    while (next < list.length && !failed) {
      const position = next++;
      try {
        results[position] = await map(list[position] as T, position);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallel, list.length) }, worker));
  return results;
}
