import { Logger } from '@aws-lambda-powertools/logger';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import { Tracer } from '@aws-lambda-powertools/tracer';
import { captureLambdaHandler } from '@aws-lambda-powertools/tracer/middleware';
import type { MiddlewareObj } from '@middy/core';
import type { LogFields, Observer } from '../functions/observe/observer.ts';

/** Logs, metrics (embedded metric format) and traces as Lambda collects them. Tracing is off outside Lambda. */
export function createPowertoolsObserver(
  serviceName: string,
  inLambda = process.env.AWS_LAMBDA_FUNCTION_NAME !== undefined,
): Observer {
  const logger = new Logger({ serviceName });
  // Two stages in one account must not share what their alarms hang on.
  const namespace = process.env.POWERTOOLS_METRICS_NAMESPACE ?? 'Plumbline';
  const metrics = new Metrics({ namespace, serviceName });
  const tracer = new Tracer({ serviceName, enabled: inLambda });
  return {
    info: (message, fields: LogFields = {}) => logger.info(message, fields),
    warn: (message, fields: LogFields = {}) => logger.warn(message, fields),
    error: (message, fields: LogFields = {}) => logger.error(message, fields),
    count: (metric, value = 1) => metrics.addMetric(metric, MetricUnit.Count, value),
    middleware: [
      captureLambdaHandler(tracer, { captureResponse: false }) as MiddlewareObj,
      injectLambdaContext(logger, { logEvent: false, resetKeys: true }) as MiddlewareObj,
      logMetrics(metrics) as MiddlewareObj,
    ],
  };
}
