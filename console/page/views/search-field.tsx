import { change } from '../store.ts';

/** What is searched for among the datasets: the same in every list of them. */
export function SearchField({ search }: { readonly search: string }) {
  return (
    <div class="field search">
      <label for="search">Search by name, id or owner</label>
      <input
        id="search"
        type="search"
        value={search}
        onInput={(event) => change({ search: event.currentTarget.value })}
      />
    </div>
  );
}
