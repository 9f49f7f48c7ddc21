/**
 * A device that records what an MQTT broker gives it, until Ctrl-C. It acknowledges a message to the broker when the message
 * is durable in the outbox; a crash loses none and doubles none.
 *
 *     node examples/mqtt-device.ts device.json mqtt://127.0.0.1:1883/plant/#
 *
 * `plumb device provision weather --out device.json` writes the file. In a project of your own, import `connectDevice` from
 * 'plumbline', and the rest from 'plumbline/device/…' and 'plumbline/adapters/…'.
 */
import { nodeRuntime } from '../adapters/runtime/node-runtime.ts';
import { MAX_CONTENT_BYTES } from '../core/limits.ts';
import { createDeviceClock } from '../device/clock.ts';
import { DEFAULT_DEVICE_OPTIONS } from '../device/device-options.ts';
import type { DeviceEvent } from '../device/events.ts';
import { lastCaptureTime } from '../device/outbox/last-capture.ts';
import { openOutbox } from '../device/outbox/open-outbox.ts';
import { readProvision } from '../device/provision/read-provision.ts';
import { runDevice } from '../device/run-device.ts';
import { parseSource } from '../device/sources/parse-source.ts';
import { readMqtt } from '../device/sources/read-mqtt.ts';
import { connectDevice } from '../library/index.ts';

const [file = 'device.json', url = 'mqtt://127.0.0.1:1883/#'] = process.argv.slice(2);
const choice = parseSource(`mqtt:${url}`);
if (choice.kind !== 'mqtt') throw new Error(`${url} is not the address of a broker.`);
const provision = await readProvision(file);
const outbox = openOutbox(`${file}.outbox.sqlite`, { ...provision, kind: provision.charter.kind });
const source = readMqtt({
  ...{ broker: choice.broker, secrets: {}, clientId: `plumbline-${provision.dataset.slice(2, 18)}` },
  ...{ blockBytes: MAX_CONTENT_BYTES, maxMessageBytes: 2 ** 20, backoff: DEFAULT_DEVICE_OPTIONS.backoff },
});
const report = (event: DeviceEvent): void => console.log(JSON.stringify(event));
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
try {
  const parts = connectDevice(provision, outbox, 'relayed', report);
  const clock = createDeviceClock(nodeRuntime, lastCaptureTime(outbox));
  await runDevice({ ...parts, clock, outbox, source, report }, DEFAULT_DEVICE_OPTIONS, stop.signal);
} finally {
  outbox.close();
}
