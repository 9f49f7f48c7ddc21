import type { ComponentChildren } from 'preact';

interface ActionButtonProps {
  /** What it began goes on: a press does nothing then. */
  readonly isBusy: boolean;
  readonly isPrimary?: boolean;
  readonly onPress: () => void;
  readonly children: ComponentChildren;
}

/** A button that stays while what it began goes on. Taken away or disabled, it would take the focus with it: who reads by keyboard begins at the top of the page again. */
export function ActionButton({ isBusy, isPrimary = false, onPress, children }: ActionButtonProps) {
  return (
    <button
      type="button"
      class={isPrimary ? 'primary' : ''}
      aria-disabled={isBusy}
      onClick={() => {
        if (!isBusy) onPress();
      }}
    >
      {children}
    </button>
  );
}
