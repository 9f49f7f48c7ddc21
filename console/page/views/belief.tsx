import { useState } from 'preact/hooks';
import type { PageState } from '../store.ts';

/** What the page rests on, and how to make it rest on less. */
export function BeliefView({ page: { place } }: { readonly page: PageState }) {
  const [url, setUrl] = useState('');
  return (
    <section class="narrow">
      <h1 tabIndex={-1}>What this page believes</h1>
      <p>
        It believes the chain, your keys and its own hashing. Nothing that the storage or the service says counts before
        it is proven: records by their place in the log on the chain, blocks by their hash, rounds by the chain's own
        events.
      </p>
      <h2>The chain</h2>
      <p>
        {place === null
          ? 'No chain was read yet.'
          : place.isThroughServer
            ? `What the chain says comes through the server that this page is from (${place.chainHost}). A server that lies could show you a chain that does not exist. Name a node that you trust, and the page asks that one instead.`
            : `What the chain says comes from the node that you named, ${place.chainHost}.`}
      </p>
      <form onSubmit={(event) => (URL.canParse(url) ? reopen(event, url) : event.preventDefault())}>
        <div class="field">
          <label for="rpc">Address of a chain node</label>
          <input
            id="rpc"
            type="url"
            placeholder="https://"
            value={url}
            onInput={(event) => setUrl(event.currentTarget.value)}
          />
        </div>
        <button type="submit">Open again with this node</button>
      </form>
      <h2>The page itself</h2>
      <p>
        Whoever serves this page can serve a different one. If you do not trust this server, run the console from your
        own copy of Plumbline, or use the command: plumb owner verify
      </p>
      <h2>What it keeps</h2>
      <p>
        Keys stay in this page until you close it. This browser notes what you have verified: which blocks, when, and
        the result. These notes prove nothing to others; evidence does.
      </p>
      <h2>What only the service says</h2>
      <p>
        Last capture, stored and waiting are only what the service says. They help you to find your way, but are not
        verdicts.
      </p>
    </section>
  );
}

/** The page's policy names the node, so the page is opened anew. */
function reopen(event: Event, url: string): void {
  event.preventDefault();
  location.assign(`${location.pathname}?rpc=${encodeURIComponent(url)}`);
}
