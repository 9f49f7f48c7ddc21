import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

interface VirtualListProps<Row> {
  readonly label: string;
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  readonly draw: (row: Row) => ComponentChildren;
  /** Of the whole list; every row has the same height, which the style sheet gives. */
  readonly rowHeightPx: number;
  /** Told which rows are drawn. */
  readonly onShown?: (rows: readonly Row[]) => void;
}

/** Drawn beyond both ends, so that a turn of the wheel finds rows there. */
const MORE_ROWS = 8;
/** Shorter lists are drawn whole: the browser's own search finds everything in them. */
const WHOLE_ROWS = 60;

/** A list of any length, of which only the rows in view are in the page. */
export function VirtualList<Row>({ label, rows, keyOf, draw, rowHeightPx, onShown }: VirtualListProps<Row>) {
  const list = useRef<HTMLUListElement>(null);
  const [view, setView] = useState({ top: 0, height: 800 });
  useEffect(() => {
    const measure = (): void => {
      const element = list.current;
      if (element === null) return;
      setView({ top: Math.max(0, -element.getBoundingClientRect().top), height: window.innerHeight });
    };
    measure();
    window.addEventListener('scroll', measure, { passive: true });
    window.addEventListener('resize', measure);
    return () => {
      window.removeEventListener('scroll', measure);
      window.removeEventListener('resize', measure);
    };
  }, [rows.length]);
  const isWhole = rows.length <= WHOLE_ROWS;
  const first = isWhole ? 0 : Math.max(0, Math.floor(view.top / rowHeightPx) - MORE_ROWS);
  const end = isWhole
    ? rows.length
    : Math.min(rows.length, Math.ceil((view.top + view.height) / rowHeightPx) + MORE_ROWS);
  const shown = rows.slice(first, end);
  const names = shown.map(keyOf).join();
  useEffect(() => {
    const timer = setTimeout(() => onShown?.(shown), 80);
    return () => clearTimeout(timer);
  }, [names]);
  return (
    <ul class="rows" ref={list} aria-label={label} style={isWhole ? {} : { height: `${rows.length * rowHeightPx}px` }}>
      {shown.map((row, i) => (
        <li
          key={keyOf(row)}
          aria-setsize={rows.length}
          aria-posinset={first + i + 1}
          class={isWhole ? '' : 'placed'}
          style={isWhole ? {} : { transform: `translateY(${(first + i) * rowHeightPx}px)` }}
        >
          {draw(row)}
        </li>
      ))}
    </ul>
  );
}
