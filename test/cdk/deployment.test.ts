/*
 * What the template of the deployment says, in one process: its first synthesis loads the CDK and CloudFormation's validator,
 * for seconds, and each further one takes a fraction of that.
 */
import './alarms.cases.ts';
import './environment.cases.ts';
import './findings.cases.ts';
import './parameters.cases.ts';
import './rights.cases.ts';
import './template.cases.ts';
