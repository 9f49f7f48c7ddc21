import { existsSync, readFileSync } from 'node:fs';
import { arch, cpus, hostname, loadavg, release, totalmem } from 'node:os';

/** Where and when something was measured: figures of another machine, or of a busier one, are other figures. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  readonly host: string;
  readonly date: string;
  /** Over the last minute, as the run began; above the number of cores, others had work too. */
  readonly loadAverage: number;
}

export function describeMachine(): Machine {
  const processors = cpus();
  return {
    processor: processors[0]?.model.trim() ?? arch(),
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${readSystem()}, Linux ${release()}`,
    node: process.version,
    host: hostname(),
    date: new Date().toISOString(),
    loadAverage: Number((loadavg()[0] as number).toFixed(2)),
  };
}

/** One line for a drawing. */
export function nameMachine(machine: Machine): string {
  const { processor, cores, memoryGiB, system, node, date, loadAverage } = machine;
  return `${cores} cores (${processor}), ${memoryGiB} GiB, ${system}, Node ${node}; ${date.slice(0, 16)}Z; load average ${loadAverage}`;
}

function readSystem(): string {
  const path = '/etc/os-release';
  if (!existsSync(path)) return process.platform;
  return /^PRETTY_NAME="(.*)"/m.exec(readFileSync(path, 'utf8'))?.[1] ?? process.platform;
}
