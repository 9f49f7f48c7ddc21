import { CfnOutput, Duration, Stack, type StackProps, Tags } from 'aws-cdk-lib';
import { Table } from 'aws-cdk-lib/aws-dynamodb';
import { CfnRule } from 'aws-cdk-lib/aws-events';
import { Key, KeySpec, KeyUsage } from 'aws-cdk-lib/aws-kms';
import { type Code, EventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type { EventRow, FunctionRow } from '../functions/row.ts';
import { type EventName, eventRows, functionRows } from '../functions/table.ts';
import { acknowledge } from './acknowledge.ts';
import { Alarms } from './alarms.ts';
import { createDashboard } from './dashboard.ts';
import { environmentOf, type Placed } from './environment-of.ts';
import { EventQueue } from './event-queue.ts';
import { ServiceApi } from './http-api.ts';
import { feedingOf } from './load-of.ts';
import { nameOf } from './name-of.ts';
import { PagesFunction } from './pages/pages-function.ts';
import type { Load, Parameters } from './read-parameters.ts';
import { pollingRights, rightsOf, type Touchable } from './rights-of.ts';
import { SegmentStore, useSegmentStore } from './segment-store.ts';
import { ServiceFunction } from './service-function.ts';
import { STAGE_RULES, type StageRules } from './stage-rules.ts';
import { createStateTable } from './state-table.ts';

export interface PlumblineStackProps extends StackProps {
  /** Each function's own. */
  readonly codeOf: (row: FunctionRow) => Code;
  readonly parameters: Parameters;
  /** The function that serves the built pages of a folder; asked for where pages are served. */
  readonly codeOfPages: (built: string) => Code;
}

/** The whole service of one stage, made from the table of functions. */
export class PlumblineStack extends Stack {
  readonly functions: readonly ServiceFunction[];

  constructor(scope: Construct, id: string, { codeOf, codeOfPages, parameters, ...props }: PlumblineStackProps) {
    const rules = STAGE_RULES[parameters.stage];
    super(scope, id, {
      description: `Plumbline (${nameOf(parameters)}): integrity of stored IoT data, provable to anyone entitled`,
      terminationProtection: rules.isProtected,
      ...props,
    });
    const queues = this.#createQueues(rules);
    const { existing } = parameters;
    const api = new ServiceApi(this, 'Api', { rules, parameters });
    const readers = parameters.pages === null ? [] : [`https://${api.host}`];
    const store = { rules, listeners: listenersOf(queues), readers };
    const bucket =
      existing.bucket === null
        ? new SegmentStore(this, 'Store', store).bucket
        : useSegmentStore(this, 'Store', { ...store, name: existing.bucket });
    const table =
      existing.table === null
        ? createStateTable(this, 'Table', rules)
        : Table.fromTableName(this, 'Table', existing.table);
    const relayerKey =
      existing.relayerKey === null
        ? this.#createRelayerKey(parameters, rules)
        : Key.fromKeyArn(this, 'RelayerKey', existing.relayerKey);
    const ipfsToken = parameters.kuboApiUrl === null ? null : this.#createIpfsToken(rules);

    const touchable: Touchable = {
      bucketArn: bucket.bucketArn,
      tableArn: table.tableArn,
      anchorQueueArn: queues.anchor.queue.queueArn,
      relayerKeyArn: relayerKey.keyArn,
      rpcSecretArn: parameters.rpcSecret.arn,
      ipfsTokenArn: ipfsToken?.secretArn ?? null,
    };
    const placed: Placed = {
      bucket: bucket.bucketName,
      table: table.tableName,
      anchorQueueUrl: queues.anchor.queue.queueUrl,
      relayerKeyId: relayerKey.keyId,
      apiHost: api.host,
      ipfsTokenArn: ipfsToken?.secretArn ?? null,
    };
    // Without a node to import into, publishing is not offered at all.
    const rows = functionRows.filter(({ may }) => may.ipfs === undefined || ipfsToken !== null);
    this.functions = rows.map((row) => {
      const polled = isEventName(row.name) ? pollingRights(queues[row.name].queue.queueArn) : [];
      return new ServiceFunction(this, idOf(row.name), {
        row,
        parameters,
        rules,
        code: codeOf(row),
        rights: [...rightsOf(row.may, touchable), ...polled],
        environment: environmentOf(row, parameters, placed),
      });
    });
    for (const one of this.functions) {
      if (isEventName(one.row.name)) this.#feed(one, queues[one.row.name], parameters.load);
      else api.addRoute(one);
      if (one.row.invoke) one.allowInvoking(parameters.invokers);
    }
    for (const { name, trigger } of Object.values<EventRow & { readonly name: EventName }>(eventRows)) {
      if (trigger.kind === 'wake') this.#wakeRegularly(name, queues[name], trigger.everyMs);
    }

    if (parameters.pages !== null) {
      const pages = new PagesFunction(this, 'Pages', {
        ...{ parameters, rules, code: codeOfPages(parameters.pages) },
        bucketOrigin: `https://${bucket.bucketRegionalDomainName}`,
      });
      api.addPages(pages.function, ['/check', '/console', '/console/{file}']);
    }
    const alarms = new Alarms(this, 'Alarms', { parameters, functions: this.functions, queues, api });
    createDashboard(this, 'Dashboard', { parameters, functions: this.functions, queues, api, alarms });
    Tags.of(this).add('application', 'plumbline');
    Tags.of(this).add('deployment', nameOf(parameters));
    Tags.of(this).add('stage', parameters.stage);
    this.#tellOutputs({
      ApiUrl: `https://${api.host}`,
      Bucket: placed.bucket,
      Table: placed.table,
      RelayerKeyId: placed.relayerKeyId,
      AlarmTopic: alarms.topic.topicArn,
      ...(api.domain === null ? {} : { DomainTarget: api.domain.regionalDomainName }),
      ...(placed.ipfsTokenArn === null ? {} : { IpfsTokenSecret: placed.ipfsTokenArn }),
    });
  }

  #createQueues(rules: StageRules): Readonly<Record<EventName, EventQueue>> {
    const queueOf = ({ name, trigger, limits }: EventRow) =>
      new EventQueue(this, `${idOf(name)}Queue`, {
        rules,
        functionTimeoutMs: limits.timeoutMs,
        isFifo: trigger.queue.atOnce === null,
        retention: Duration.seconds(trigger.queue.keptSeconds),
        mostReceives: trigger.queue.receives,
      });
    return Object.fromEntries(Object.entries(eventRows).map(([name, row]) => [name, queueOf(row)])) as Readonly<
      Record<EventName, EventQueue>
    >;
  }

  /** The account that records, and to which owners grant their fuel. Its private key never leaves KMS. */
  #createRelayerKey(parameters: Parameters, rules: StageRules): Key {
    return new Key(this, 'RelayerKey', {
      description: `Account of Plumbline's relayer and cloud storage service (${nameOf(parameters)})`,
      alias: `${nameOf(parameters)}-relayer`,
      keySpec: KeySpec.ECC_SECG_P256K1,
      keyUsage: KeyUsage.SIGN_VERIFY,
      pendingWindow: Duration.days(30),
      removalPolicy: rules.removal,
    });
  }

  /** Made at random here; the operator copies it into Kubo's configuration. */
  #createIpfsToken(rules: StageRules): Secret {
    const token = new Secret(this, 'IpfsToken', {
      description: 'Bearer token that Kubo asks for at its RPC (API.Authorizations)',
      generateSecretString: { passwordLength: 48, excludePunctuation: true },
      removalPolicy: rules.removal,
    });
    const cfnSecret = token.node.defaultChild ?? token;
    acknowledge(
      cfnSecret,
      'AwsSolutions-SMG4',
      'Kubo reads its tokens from a file of its own: no rotation reaches it.',
    );
    return token;
  }

  #feed(to: ServiceFunction, { queue }: EventQueue, load: Load): void {
    const feeding = feedingOf(to.row, load);
    if (feeding === null) return;
    const { batch, atOnce } = feeding;
    new EventSourceMapping(to, 'Feed', {
      target: to.function,
      eventSourceArn: queue.queueArn,
      batchSize: batch,
      // Wake-ups are not told apart: a run that fails has failed all of them.
      reportBatchItemFailures: to.row.trigger.kind === 's3-event',
      ...(atOnce === null ? {} : { maxConcurrency: atOnce }),
    });
  }

  /** The clock feeds the same queue and the same group as the wake-ups: one run follows on the other. */
  #wakeRegularly(name: EventName, woken: EventQueue, everyMs: number): void {
    const minutes = Duration.millis(everyMs).toMinutes();
    const rule = new CfnRule(this, `${idOf(name)}Clock`, {
      description: `Wakes ${name}`,
      scheduleExpression: `rate(${minutes} ${minutes === 1 ? 'minute' : 'minutes'})`,
      targets: [{ id: name, arn: woken.queue.queueArn, sqsParameters: { messageGroupId: name } }],
    });
    woken.allowSending('events.amazonaws.com', rule.attrArn);
  }

  #tellOutputs(outputs: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(outputs))
      new CfnOutput(this, `${name}Output`, { value }).overrideLogicalId(name);
  }
}

function listenersOf(queues: Readonly<Record<EventName, EventQueue>>) {
  return Object.values(eventRows).flatMap((row) =>
    row.trigger.kind === 's3-event'
      ? [{ queue: queues[row.name], events: row.trigger.events, suffix: row.trigger.suffix }]
      : [],
  );
}

function isEventName(name: FunctionRow['name']): name is EventName {
  return Object.hasOwn(eventRows, name);
}

/** get-block: GetBlock. */
function idOf(name: string): string {
  return name.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
}
