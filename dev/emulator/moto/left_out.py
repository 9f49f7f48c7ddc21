"""What moto 5.2.5 leaves out of CloudFormation, and this deployment needs.

Each resource is made by the same calls of the service's interface that anybody would make, so what a test then reads
back went in by the front door. Whatever is missing here is skipped by moto in silence; the deployment's test fails then.
"""

import json
from typing import Any, Callable

import boto3
from moto.core.common_models import CloudFormationModel

REGION = "us-east-1"
_endpoint = ""


def install(endpoint: str) -> None:
    global _endpoint
    _endpoint = endpoint
    import dropped

    dropped.install(api)


def api(service: str) -> Any:
    return boto3.client(
        service, endpoint_url=_endpoint, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test"
    )


class Made(dict):
    """A resource as the parser of templates sees it: what Ref gives, and its attributes."""

    def __init__(self, cfn_type: str, reference: str, attributes: dict[str, str], delete: Callable[[], Any]):
        super().__init__(attributes)
        self.type = cfn_type
        self.physical_resource_id = reference
        self.get_cfn_attribute = self.__getitem__
        self._delete = delete

    def is_created(self) -> bool:
        return True

    def __bool__(self) -> bool:
        return True

    def delete(self, _account_id: str, _region: str) -> None:
        self._delete()


def resource(cfn_type: str, name_property: str = "", attributes: tuple[str, ...] = ()) -> Callable:
    """Registers a function (name, properties) -> (reference, attributes, how to delete) as the maker of a type."""

    def register(make: Callable[[str, dict], tuple[str, dict, Callable]]) -> Callable:
        def create(_cls, name, cloudformation_json, _account_id, _region, **_):
            return Made(cfn_type, *make(name, cloudformation_json["Properties"]))

        members = {
            "cloudformation_name_type": staticmethod(lambda: name_property),
            "cloudformation_type": staticmethod(lambda: cfn_type),
            "has_cfn_attr": classmethod(lambda _cls, attribute: attribute in attributes),
            "create_from_cloudformation_json": classmethod(create),
        }
        # The parser finds the direct subclasses; nothing else needs their names.
        type(cfn_type.replace(":", ""), (CloudFormationModel,), members)
        return make

    return register


def nothing() -> None:
    """For what goes with the thing that it belongs to."""


@resource("AWS::S3::BucketPolicy")
def bucket_policy(name, properties):
    api("s3").put_bucket_policy(Bucket=properties["Bucket"], Policy=json.dumps(properties["PolicyDocument"]))
    return name, {}, nothing


@resource("AWS::SQS::QueuePolicy")
def queue_policy(name, properties):
    for url in properties["Queues"]:
        policy = json.dumps(properties["PolicyDocument"])
        api("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    return name, {}, nothing


@resource("AWS::SNS::TopicPolicy")
def topic_policy(name, properties):
    for arn in properties["Topics"]:
        policy = json.dumps(properties["PolicyDocument"])
        api("sns").set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)
    return name, {}, nothing


@resource("AWS::SNS::Subscription")
def subscription(_name, properties):
    wanted = {key: properties[key] for key in ("TopicArn", "Protocol", "Endpoint")}
    arn = api("sns").subscribe(**wanted, ReturnSubscriptionArn=True)["SubscriptionArn"]
    return arn, {}, lambda: api("sns").unsubscribe(SubscriptionArn=arn)


@resource("AWS::Logs::MetricFilter", "FilterName")
def metric_filter(name, properties):
    group = properties["LogGroupName"]
    transformations = [
        {key[0].lower() + key[1:]: value for key, value in transformation.items()}
        for transformation in properties["MetricTransformations"]
    ]
    api("logs").put_metric_filter(
        filterName=name,
        logGroupName=group,
        filterPattern=properties["FilterPattern"],
        metricTransformations=transformations,
    )
    return name, {}, lambda: api("logs").delete_metric_filter(filterName=name, logGroupName=group)


@resource("AWS::CloudWatch::Alarm", "AlarmName", ("Arn",))
def alarm(name, properties):
    cloudwatch = api("cloudwatch")
    cloudwatch.put_metric_alarm(**{**properties, "AlarmName": name})
    arn = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["AlarmArn"]
    return name, {"Arn": arn}, lambda: cloudwatch.delete_alarms(AlarmNames=[name])


@resource("AWS::SecretsManager::Secret", "Name")
def secret(name, properties):
    manager = api("secretsmanager")
    password = manager.get_random_password(**properties.get("GenerateSecretString", {}))["RandomPassword"]
    description = properties.get("Description", "")
    arn = manager.create_secret(Name=name, Description=description, SecretString=password)["ARN"]
    return arn, {}, lambda: manager.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)


@resource("AWS::ApiGatewayV2::Api", "", ("ApiId", "ApiEndpoint"))
def http_api(_name, properties):
    gateway = api("apigatewayv2")
    made = gateway.create_api(**{key: properties[key] for key in ("Name", "ProtocolType", "Tags") if key in properties})
    attributes = {"ApiId": made["ApiId"], "ApiEndpoint": made["ApiEndpoint"]}
    return made["ApiId"], attributes, lambda: gateway.delete_api(ApiId=made["ApiId"])


@resource("AWS::ApiGatewayV2::Integration")
def integration(_name, properties):
    return api("apigatewayv2").create_integration(**properties)["IntegrationId"], {}, nothing


@resource("AWS::ApiGatewayV2::Route")
def route(_name, properties):
    return api("apigatewayv2").create_route(**properties)["RouteId"], {}, nothing


@resource("AWS::ApiGatewayV2::Stage", "StageName")
def stage(name, properties):
    settings = dict(properties.get("AccessLogSettings", {}))
    api("apigatewayv2").create_stage(**{**properties, "StageName": name, "AccessLogSettings": settings})
    return name, {}, nothing
