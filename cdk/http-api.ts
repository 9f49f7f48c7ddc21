import { Stack } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  ApiMapping,
  type CfnStage,
  DomainName,
  HttpApi,
  HttpMethod,
  type HttpRoute,
  HttpStage,
  LogGroupLogDestination,
  SecurityPolicy,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { workOf } from '../functions/row.ts';
import { acknowledge } from './acknowledge.ts';
import { nameOf } from './name-of.ts';
import type { Parameters, RouteLimit } from './read-parameters.ts';
import type { ServiceFunction } from './service-function.ts';
import type { RoutedWork, StageRules } from './stage-rules.ts';

/**
 * The way in. Whoever calls is known by the signature of the request, which the functions check (specification#requests).
 */
export class ServiceApi extends Construct {
  readonly api: HttpApi;
  readonly stage: HttpStage;
  readonly host: string;
  /** Where the API has a name of its own: what the DNS must point at. */
  readonly domain: DomainName | null;
  readonly #rules: StageRules;
  readonly #limits: Parameters['routeLimits'];

  constructor(scope: Construct, id: string, { rules, parameters }: { rules: StageRules; parameters: Parameters }) {
    super(scope, id);
    this.#rules = rules;
    this.#limits = parameters.routeLimits;
    const { domain } = parameters;
    this.api = new HttpApi(this, 'Http', {
      apiName: nameOf(parameters),
      createDefaultStage: false,
      // One name to be addressed by.
      disableExecuteApiEndpoint: domain !== null,
    });
    const stack = Stack.of(this);
    this.stage = this.#createStage();
    this.domain = domain === null ? null : this.#createDomain(domain);
    this.host = domain?.name ?? `${this.api.apiId}.execute-api.${stack.region}.${stack.urlSuffix}`;
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

  /** Answers these paths with pages, which anyone may read. */
  addPages(pages: LambdaFunction, paths: readonly string[]): void {
    const integration = new HttpLambdaIntegration('pages', pages);
    for (const path of paths) {
      const [route] = this.api.addRoutes({ path, methods: [HttpMethod.GET], integration });
      if (route === undefined) continue;
      acknowledge(route.node.defaultChild ?? this, 'AwsSolutions-APIG4', "Static pages that contain nobody's data.");
      this.#bound(`GET ${path}`, this.#rules.work.public.requests, route);
    }
  }

  /** Bounds what one route is asked for: beyond, API Gateway answers 429 itself. */
  #throttle({ row }: ServiceFunction, route: HttpRoute): void {
    if (row.trigger.kind !== 'http') return;
    const requests = this.#limits.get(row.name) ?? this.#rules.work[workOf(row) as RoutedWork].requests;
    const { method, path } = row.trigger;
    this.#bound(`${method} ${path}`, requests, route);
  }

  #bound(routeKey: string, requests: RouteLimit, route: HttpRoute): void {
    const stage = this.stage.node.defaultChild as CfnStage;
    stage.routeSettings = {
      ...stage.routeSettings,
      [routeKey]: {
        ThrottlingRateLimit: requests.perSecond,
        ThrottlingBurstLimit: requests.burst,
        DetailedMetricsEnabled: true,
      },
    };
    // A stage is told of routes that are there.
    this.stage.node.addDependency(route);
  }

  #createDomain({ name, certificateArn }: NonNullable<Parameters['domain']>): DomainName {
    const domain = new DomainName(this, 'Domain', {
      domainName: name,
      certificate: Certificate.fromCertificateArn(this, 'Certificate', certificateArn),
      securityPolicy: SecurityPolicy.TLS_1_2,
    });
    new ApiMapping(this, 'Mapping', { api: this.api, domainName: domain, stage: this.stage });
    return domain;
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
