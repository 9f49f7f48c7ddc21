import { useState } from 'preact/hooks';
import { signIn } from '../actions.ts';
import type { PageState } from '../store.ts';

/** Opening keys: files and a password go to this page's worker, and nowhere else. */
export function SignInView({ page: { busy, place } }: { readonly page: PageState }) {
  const [files, setFiles] = useState<readonly File[]>([]);
  const [password, setPassword] = useState('');
  const isWorking = busy !== null;
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (isWorking || files.length === 0) return;
    const isOpen = await signIn(files, password);
    setPassword('');
    if (!isOpen) document.getElementById('password')?.focus();
  };
  return (
    <section class="narrow">
      <h1 tabIndex={-1}>Open my keys</h1>
      <p>
        Your keys are opened in this page, with your password. They are not sent anywhere and not stored: close the
        page, and they are gone.
      </p>
      <form onSubmit={(event) => void submit(event)}>
        <div class="field">
          <label for="files">Key files</label>
          <input
            id="files"
            type="file"
            multiple
            aria-describedby="files-help"
            onChange={(event) => setFiles([...(event.currentTarget.files ?? [])])}
          />
          <div id="files-help" class="faint">
            <p>
              As an owner: <code>keystore.json</code> of your home folder, and <code>datasets.json</code> beside it,
              which names datasets that are not on the chain yet.
            </p>
            <p>
              After <code>plumb try</code>: <code>keystore.json</code> and <code>datasets.json</code> of its folder{' '}
              <code>owner</code>, and the file <code>password</code> beside it instead of typing one.
            </p>
            <p>
              As an auditor: the auditor file that the owner gave you, and the file with the bucket's keys (on a local
              stack: <code>stack.json</code>). No password.
            </p>
          </div>
        </div>
        <div class="field">
          <label for="password">Password of the keystore</label>
          <input
            id="password"
            type="password"
            autocomplete="off"
            value={password}
            onInput={(event) => setPassword(event.currentTarget.value)}
          />
        </div>
        <button type="submit" class="primary" disabled={isWorking || files.length === 0 || place === null}>
          {isWorking ? 'Opening …' : 'Open'}
        </button>
      </form>
    </section>
  );
}
