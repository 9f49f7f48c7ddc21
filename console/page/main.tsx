import { render } from 'preact';
import { start } from './actions.ts';
import { Page } from './views/page.tsx';

const root = document.getElementById('console');
if (root !== null) {
  render(<Page />, root);
  void start();
}
