/** What `keepRoundsDays` means for whoever wants something proven later, in a sentence or three. */
export function keptRoundsText(days: number): string {
  if (days === 0)
    return 'Every round stays provable permanently (keepRoundsDays 0), so the storage for rounds grows without limit.';
  return `Rounds of the last ${days === 1 ? 'day' : `${days.toLocaleString('en')} days`} stay provable (keepRoundsDays). Of older rounds only the last one of each day stays provable; the exact contents of the others can no longer be proven. Later rounds still prove every block, and that the older rounds were there.`;
}
