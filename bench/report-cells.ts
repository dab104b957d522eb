/** A table in Markdown. The first column is to the left, as is the last where it says whether a target was met. */
export function table(head: string, rows: readonly (readonly string[])[]): string {
  const columns = head.split(' | ');
  const sides = columns.map((column, index) => (index === 0 || column === 'met' ? '---' : '--:'));
  return [columns, sides, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Rate or CPU time: where the machine is noisy, the rate suffers from neighbours and the CPU time hardly does. */
export function met({ rate, cpu }: { readonly rate: number; readonly cpu: number }, target: number): string {
  return yes(rate >= target || cpu >= target);
}

export function yes(is: boolean): string {
  return is ? 'yes' : '**no**';
}

export function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}

export function fixed(value: number): string {
  return value.toFixed(1);
}

export function percent(value: number): string {
  return `${(value * 100).toFixed(0)} %`;
}
