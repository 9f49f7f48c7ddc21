import { Stack } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  type CfnStage,
  HttpApi,
  HttpMethod,
  type HttpRoute,
  HttpStage,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { workOf } from '../functions/row.ts';
import { acknowledge } from './acknowledge.ts';
import type { ServiceFunction } from './service-function.ts';
import type { StageRules } from './stage-rules.ts';

/**
 * The way in. Whoever calls is known by the signature of the request, which the functions check (specification#requests).
 */
export class ServiceApi extends Construct {
  readonly api: HttpApi;
  readonly stage: HttpStage;
  readonly host: string;
  readonly #rules: StageRules;

  constructor(scope: Construct, id: string, { rules, stageName }: { rules: StageRules; stageName: string }) {
    super(scope, id);
    this.#rules = rules;
    this.api = new HttpApi(this, 'Http', { apiName: `plumbline-${stageName}`, createDefaultStage: false });
    const stack = Stack.of(this);
    this.host = `${this.api.apiId}.execute-api.${stack.region}.${stack.urlSuffix}`;
    this.stage = this.#createStage();
  }

  /** Answers the row's method and path with the function; that route alone may invoke it. */
  addRoute(to: ServiceFunction): void {
    const { row } = to;
    if (row.trigger.kind !== 'http') return;
    const [route] = this.api.addRoutes({
      path: row.trigger.path,
      methods: [HttpMethod[row.trigger.method]],
      integration: new HttpLambdaIntegration(row.name, to.function),
    });
    const reason =
      row.callers === 'anyone'
        ? 'What it answers is public and proves itself (specification#requests).'
        : 'The function itself verifies the signature of every request and the rights of its signer (specification#requests).';
    acknowledge(route?.node.defaultChild ?? this, 'AwsSolutions-APIG4', reason);
    if (route !== undefined) this.#throttle(to, route);
  }

  /** Bounds what one route is asked for: beyond, API Gateway answers 429 itself. */
  #throttle({ row }: ServiceFunction, route: HttpRoute): void {
    const { requests } = this.#rules.work[workOf(row)];
    if (requests === null || row.trigger.kind !== 'http') return;
    const { method, path } = row.trigger;
    const stage = this.stage.node.defaultChild as CfnStage;
    stage.routeSettings = {
      ...stage.routeSettings,
      [`${method} ${path}`]: {
        ThrottlingRateLimit: requests.perSecond,
        ThrottlingBurstLimit: requests.burst,
        DetailedMetricsEnabled: true,
      },
    };
    // A stage is told of routes that are there.
    this.stage.node.addDependency(route);
  }

  #createStage(): HttpStage {
    const logs = new LogGroup(this, 'AccessLogs', {
      retention: this.#rules.logRetention,
      removalPolicy: this.#rules.removal,
    });
    return new HttpStage(this, 'Default', {
      httpApi: this.api,
      stageName: '$default',
      autoDeploy: true,
      detailedMetricsEnabled: true,
      throttle: { rateLimit: this.#rules.requestsPerSecond, burstLimit: this.#rules.burst },
      accessLogSettings: { destination: new LogGroupLogDestination(logs), format: ACCESS_LOG_FORMAT },
    });
  }
}

/** No header and no query: what was asked, by whom the network says, how it went. */
const ACCESS_LOG_FORMAT = AccessLogFormat.custom(
  JSON.stringify({
    requestId: '$context.requestId',
    time: '$context.requestTime',
    ip: '$context.identity.sourceIp',
    route: '$context.routeKey',
    path: '$context.path',
    status: '$context.status',
    responseBytes: '$context.responseLength',
    latencyMs: '$context.responseLatency',
    integrationError: '$context.integrationErrorMessage',
  }),
);
