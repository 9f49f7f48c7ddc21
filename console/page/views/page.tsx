import { refresh, signOut } from '../actions.ts';
import { hashOf, type Route } from '../route.ts';
import { type PageState, usePage } from '../store.ts';
import { short } from '../words.ts';
import { AgreementsView } from './agreements.tsx';
import { BeliefView } from './belief.tsx';
import { BlockView } from './block.tsx';
import { BusyBar } from './busy-bar.tsx';
import { DatasetView } from './dataset.tsx';
import { FleetView } from './fleet.tsx';
import { OverviewView } from './overview.tsx';
import { RoundsView } from './rounds.tsx';
import { SignInView } from './sign-in.tsx';

const PLACES: readonly (readonly [Route['view'], string])[] = [
  ['overview', 'Overview'],
  ['fleet', 'Fleet'],
  ['rounds', 'Rounds'],
  ['agreements', 'Agreements'],
];

/** The whole page: where one is, who reads, and the view. */
export function Page() {
  const page = usePage();
  const { route, busy, problem, said } = page;
  return (
    <>
      <button type="button" class="skip" onClick={skip}>
        Skip to the content
      </button>
      <header class="top">
        <a class="brand" href="#/">
          Plumbline
        </a>
        <nav aria-label="Views">
          {PLACES.map(([view, title]) => (
            <a key={view} href={hashOf({ view } as Route)} aria-current={isWithin(route, view) ? 'page' : undefined}>
              {title}
            </a>
          ))}
        </nav>
        <ReaderBadge page={page} />
      </header>
      <main id="main" tabIndex={-1}>
        {problem === null ? null : (
          <div class="problem" role="alert">
            <p>{problem.message}</p>
            <button type="button" onClick={tryAgain}>
              Try again
            </button>
          </div>
        )}
        <View page={page} />
      </main>
      <BusyBar busy={busy} canStop={page.canStop} />
      <p class="heard" role="status">
        {busy ?? said}
      </p>
      <Foot page={page} />
    </>
  );
}

function View({ page }: { readonly page: PageState }) {
  const { route } = page;
  switch (route.view) {
    case 'fleet':
      return <FleetView page={page} />;
    case 'rounds':
      return <RoundsView page={page} />;
    case 'agreements':
      return <AgreementsView page={page} />;
    case 'sign-in':
      return <SignInView page={page} />;
    case 'belief':
      return <BeliefView page={page} />;
    case 'dataset':
      return <DatasetView key={route.dataset} page={page} dataset={route.dataset} />;
    case 'block':
      return <BlockView key={route.index} page={page} dataset={route.dataset} index={route.index} />;
    default:
      return <OverviewView page={page} />;
  }
}

function ReaderBadge({ page: { reader } }: { readonly page: PageState }) {
  if (reader.kind === 'nobody') {
    return (
      <p class="reader">
        <span class="faint">No keys: public facts only</span> <a href="#/sign-in">Open my keys</a>
      </p>
    );
  }
  const who = reader.kind === 'owner' ? `Owner ${short(reader.account ?? '')}` : 'Auditor';
  return (
    <p class="reader">
      <span title={reader.account ?? undefined}>{who}</span>{' '}
      <button type="button" class="plain" onClick={() => void signOut()}>
        Forget keys
      </button>
    </p>
  );
}

function Foot({ page: { place } }: { readonly page: PageState }) {
  return (
    <footer>
      <p>
        {place === null ? null : (
          <>
            Chain {place.chainId}, read{' '}
            {place.isThroughServer ? `through this server (${place.chainHost})` : `from ${place.chainHost}`}. Contract{' '}
            <code title={place.dissc}>{short(place.dissc)}</code>. Everything is verified in this browser.{' '}
          </>
        )}
        <a href="#/belief">What this page believes</a>
      </p>
    </footer>
  );
}

function isWithin(route: Route, view: Route['view']): boolean {
  return route.view === view || (view === 'overview' && (route.view === 'dataset' || route.view === 'block'));
}

/** The button goes with the problem. */
function tryAgain(): void {
  document.querySelector<HTMLElement>('main h1')?.focus();
  void refresh();
}

function skip(): void {
  document.getElementById('main')?.focus();
}
