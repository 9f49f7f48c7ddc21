/** What `keepRoundsDays` means for whoever wants something proven later, in a sentence or three. */
export function keptRoundsText(days: number): string {
  if (days === 0) return 'Every round stays provable for good (keepRoundsDays 0): what is kept of them grows for ever.';
  return `Rounds of the last ${days === 1 ? 'day' : `${days.toLocaleString('en')} days`} stay provable (keepRoundsDays). Of older ones only the last of each day does: what exactly another of them held can be proven no more. Later rounds still prove every block, and that the older rounds were there.`;
}
