import { useEffect, useState } from 'preact/hooks';
import type { Chart, ChartProps } from './chart.tsx';

/** A chart, whose code is loaded with the first of them. */
export function LazyChart(props: ChartProps) {
  const [loaded, setLoaded] = useState<{ readonly Chart: typeof Chart } | null>(null);
  const [problem, setProblem] = useState(false);
  useEffect(() => {
    let isShown = true;
    import('./chart.tsx').then(
      (module) => isShown && setLoaded(module),
      () => isShown && setProblem(true),
    );
    return () => {
      isShown = false;
    };
  }, []);
  if (loaded !== null) return <loaded.Chart {...props} />;
  return <p class="faint">{problem ? 'The chart could not be loaded. Reload the page.' : 'Drawing …'}</p>;
}
