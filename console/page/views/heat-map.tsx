import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { type BlockMap, type Cell, cellsOf, countStates } from '../../engine/block-map.ts';
import { STATE, type State } from '../../engine/questions.ts';
import { ago, count, STATE_WORDS } from '../words.ts';

interface HeatMapProps {
  readonly map: BlockMap;
  /** Grows when what is in the map changes. */
  readonly version: number;
  readonly onOpen: (block: number) => void;
}

const CELL_PX = 12;
const MOST_ROWS = 40;
/** How each state looks, by the style sheet's own colours. */
const LOOKS: Readonly<Record<State, string>> = {
  [STATE.unchecked]: '--map-unchecked',
  [STATE.attested]: '--map-attested',
  [STATE.possession]: '--map-possession',
  [STATE.retrieved]: '--map-retrieved',
  [STATE.disowned]: '--map-disowned',
  [STATE.unrecorded]: '--map-disowned',
  [STATE.refused]: '--map-refused',
  [STATE.missing]: '--map-missing',
  [STATE.damaged]: '--map-damaged',
};

/** All blocks of a dataset, up to millions, a cell for each or for as many as must share one. A click or Enter goes nearer. */
export function HeatMap({ map, version, onOpen }: HeatMapProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [widthPx, setWidthPx] = useState(640);
  const [ranges, setRanges] = useState<readonly { from: number; to: number }[]>([]);
  const [at, setAt] = useState(0);
  const range = ranges.at(-1) ?? { from: 0, to: map.size - 1 };
  const columns = Math.max(8, Math.floor(widthPx / CELL_PX));
  const cells = useMemo(
    () => cellsOf(map, range.from, range.to, columns * MOST_ROWS),
    [map, version, range.from, range.to, columns],
  );
  const rows = Math.ceil(cells.length / columns);
  const chosen = cells[Math.min(at, cells.length - 1)];

  useEffect(() => {
    const element = canvas.current?.parentElement;
    if (element == null) return;
    const measure = (): void => setWidthPx(element.clientWidth);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    const draw = (): void => {
      if (canvas.current !== null) drawCells(canvas.current, cells, { columns, rows, at });
    };
    draw();
    const scheme = window.matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', draw);
    return () => scheme.removeEventListener('change', draw);
  }, [cells, columns, rows, at]);

  const open = (index: number): void => {
    const cell = cells[index];
    if (cell === undefined) return;
    if (cell.from === cell.to) {
      onOpen(cell.from);
      return;
    }
    setRanges([...ranges, { from: cell.from, to: cell.to }]);
    setAt(0);
  };
  const back = (): void => {
    setRanges(ranges.slice(0, -1));
    setAt(0);
  };
  const cellUnder = (event: MouseEvent): number => {
    const bounds = canvas.current?.getBoundingClientRect();
    if (bounds === undefined) return 0;
    const column = Math.floor((event.clientX - bounds.left) / CELL_PX);
    const row = Math.floor((event.clientY - bounds.top) / CELL_PX);
    return Math.min(cells.length - 1, Math.max(0, row * columns + Math.min(column, columns - 1)));
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const steps: Readonly<Record<string, number>> = {
      ArrowRight: 1,
      ArrowLeft: -1,
      ArrowDown: columns,
      ArrowUp: -columns,
      PageDown: columns * 5,
      PageUp: -columns * 5,
      Home: -cells.length,
      End: cells.length,
    };
    const step = steps[event.key];
    if (step !== undefined) setAt(Math.min(cells.length - 1, Math.max(0, at + step)));
    else if (event.key === 'Enter' || event.key === ' ') open(at);
    else if (event.key === 'Escape' && ranges.length > 0) back();
    else return;
    event.preventDefault();
  };
  const text = chosen === undefined ? 'No blocks.' : cellText(chosen);
  return (
    <div class="heat">
      <div class="heat-top">
        <p>
          Blocks {count(range.from)} to {count(range.to)}
          {(cells[0]?.to ?? 0) > (cells[0]?.from ?? 0)
            ? `, ${count((cells[0]?.to ?? 0) - (cells[0]?.from ?? 0) + 1)} in a cell`
            : ''}
        </p>
        {ranges.length === 0 ? null : (
          <button
            type="button"
            onClick={() => {
              back();
              canvas.current?.focus();
            }}
          >
            Back out
          </button>
        )}
      </div>
      <div class="heat-canvas">
        <canvas
          ref={canvas}
          tabIndex={0}
          role="slider"
          aria-label="Map of blocks. Arrow keys choose a cell, Enter zooms in, Escape zooms out."
          aria-valuemin={range.from}
          aria-valuemax={range.to}
          aria-valuenow={chosen?.from ?? 0}
          aria-valuetext={text}
          onKeyDown={onKeyDown}
          onMouseMove={(event) => setAt(cellUnder(event))}
          onClick={(event) => open(cellUnder(event))}
        />
      </div>
      <p class="heat-text">{text}</p>
      <Legend map={map} version={version} />
    </div>
  );
}

function Legend({ map, version }: { readonly map: BlockMap; readonly version: number }) {
  const counts = useMemo(() => [...countStates(map)].sort(([a], [b]) => b - a), [map, version]);
  return (
    <ul class="legend" aria-label="What the colours mean">
      {counts.map(([state, number]) => (
        <li key={state}>
          <span class={`swatch state-${state}`} aria-hidden="true" /> {STATE_WORDS[state]}: {count(number)}
        </li>
      ))}
    </ul>
  );
}

function cellText({ from, to, state, checked, damaged, newestCheckedAtMs }: Cell): string {
  const when = newestCheckedAtMs === null ? '' : `, checked ${ago(newestCheckedAtMs, Date.now())}`;
  if (from === to) return `Block ${count(from)}: ${STATE_WORDS[state]}${when}`;
  const all = to - from + 1;
  const wrong = damaged === 0 ? '' : `, ${count(damaged)} damaged or not returned`;
  return `Blocks ${count(from)} to ${count(to)}: ${count(checked)} of ${count(all)} checked${wrong}${when}`;
}

function drawCells(
  canvas: HTMLCanvasElement,
  cells: readonly Cell[],
  { columns, rows, at }: { readonly columns: number; readonly rows: number; readonly at: number },
): void {
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [columns * CELL_PX, rows * CELL_PX];
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext('2d');
  if (context === null) return;
  context.scale(ratio, ratio);
  const style = getComputedStyle(canvas);
  const colours = new Map(Object.entries(LOOKS).map(([state, name]) => [Number(state), style.getPropertyValue(name)]));
  for (const [i, cell] of cells.entries()) {
    const [x, y] = [(i % columns) * CELL_PX, Math.floor(i / columns) * CELL_PX];
    context.fillStyle = colours.get(cell.state) ?? '';
    // A cell of which only some were checked is filled as far as that.
    const share = cell.state >= STATE.disowned ? 1 : cell.checked / (cell.to - cell.from + 1);
    if (share < 1) {
      context.fillStyle = colours.get(STATE.unchecked) ?? '';
      context.fillRect(x + 1, y + 1, CELL_PX - 2, CELL_PX - 2);
      context.fillStyle = colours.get(cell.state) ?? '';
    }
    const filled = Math.round((CELL_PX - 2) * share);
    const least = share > 0 ? Math.max(2, filled) : 0;
    context.fillRect(x + 1, y + CELL_PX - 1 - least, CELL_PX - 2, least);
    // Shape besides colour: a cross for what is damaged, a hole for what is gone.
    if (cell.state === STATE.damaged) cross(context, x, y, style.getPropertyValue('--map-cross'));
    if (cell.state === STATE.missing) {
      context.fillStyle = style.getPropertyValue('--ground');
      context.fillRect(x + 4, y + 4, CELL_PX - 8, CELL_PX - 8);
    }
  }
  const [x, y] = [(at % columns) * CELL_PX, Math.floor(at / columns) * CELL_PX];
  context.strokeStyle = style.getPropertyValue('--ink');
  context.lineWidth = 1.5;
  context.strokeRect(x + 0.75, y + 0.75, CELL_PX - 1.5, CELL_PX - 1.5);
}

function cross(context: CanvasRenderingContext2D, x: number, y: number, colour: string): void {
  context.strokeStyle = colour;
  context.lineWidth = 1.5;
  context.beginPath();
  context.moveTo(x + 3.5, y + 3.5);
  context.lineTo(x + CELL_PX - 3.5, y + CELL_PX - 3.5);
  context.moveTo(x + CELL_PX - 3.5, y + 3.5);
  context.lineTo(x + 3.5, y + CELL_PX - 3.5);
  context.stroke();
}
