"""Properties that moto 5.2.5 knows at a service's interface, and drops when they come from a template."""

import json
from typing import Any, Callable

from moto.awslambda.models import LambdaFunction
from moto.dynamodb.models.table import Table
from moto.iam.access_control import PermissionResult
from moto.iam.models import Role
from moto.kms.models import Key, kms_backends
from moto.s3.models import FakeBucket
from moto.sqs.models import Queue


def install(api: Callable[[str], Any]) -> None:
    after(FakeBucket, lambda bucket, properties: dress_bucket(api("s3"), bucket.name, properties))
    before(Table, say_enabled)
    after(Table, lambda table, properties: dress_table(api("dynamodb"), table.name, properties))
    after(Role, lambda role, properties: dress_role(api("iam"), role.name, properties))
    after(LambdaFunction, dress_function)
    wrap(Queue, create_queue)
    # It takes every condition for unmet, and refuses whatever a statement that has one is about. So policies of buckets
    # are kept, and not enforced.
    FakeBucket.get_permission = lambda *_: PermissionResult.NEUTRAL
    replace(Key, lambda properties, account, region: make_key(api("kms"), properties, account, region))


def before(model: type, change: Callable) -> None:
    wrap(model, lambda create, name, template, *rest, **more: (change(template["Properties"]), create(name, template, *rest, **more))[1])


def after(model: type, dress: Callable) -> None:
    def run(create, name, template, *rest, **more):
        made = create(name, template, *rest, **more)
        dress(made, template["Properties"])
        return made

    wrap(model, run)


def replace(model: type, make: Callable) -> None:
    wrap(model, lambda _create, _name, template, account, region, **_: make(template["Properties"], account, region))


def wrap(model: type, run: Callable) -> None:
    create = model.create_from_cloudformation_json
    model.create_from_cloudformation_json = staticmethod(lambda *given, **more: run(create, *given, **more))


def dress_bucket(s3: Any, name: str, properties: dict) -> None:
    if "VersioningConfiguration" in properties:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=properties["VersioningConfiguration"])
    if "PublicAccessBlockConfiguration" in properties:
        block = properties["PublicAccessBlockConfiguration"]
        s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=block)
    if "OwnershipControls" in properties:
        s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls=properties["OwnershipControls"])
    if "LifecycleConfiguration" in properties:
        rules = [lifecycle_rule(rule) for rule in properties["LifecycleConfiguration"]["Rules"]]
        s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": rules})
    if "NotificationConfiguration" in properties:
        told = properties["NotificationConfiguration"]["QueueConfigurations"]
        queues = [{"QueueArn": one["Queue"], "Events": [one["Event"]]} for one in told]
        s3.put_bucket_notification_configuration(
            Bucket=name, NotificationConfiguration={"QueueConfigurations": queues}
        )


def lifecycle_rule(rule: dict) -> dict:
    made = {"ID": rule["Id"], "Status": rule["Status"], "Filter": {"Prefix": rule.get("Prefix", "")}}
    if "ExpirationInDays" in rule:
        made["Expiration"] = {"Days": rule["ExpirationInDays"]}
    if rule.get("ExpiredObjectDeleteMarker"):
        made["Expiration"] = {"ExpiredObjectDeleteMarker": True}
    for same in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"):
        if same in rule:
            made[same] = rule[same]
    return made


def say_enabled(properties: dict) -> None:
    if "SSESpecification" in properties:
        properties["SSESpecification"] = {"Enabled": properties["SSESpecification"]["SSEEnabled"]}


def dress_table(dynamodb: Any, name: str, properties: dict) -> None:
    if "TimeToLiveSpecification" in properties:
        dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=properties["TimeToLiveSpecification"])
    if "PointInTimeRecoverySpecification" in properties:
        dynamodb.update_continuous_backups(
            TableName=name, PointInTimeRecoverySpecification=properties["PointInTimeRecoverySpecification"]
        )


def create_queue(create: Callable, name: str, template: dict, *rest: Any, **more: Any) -> Any:
    """CloudFormation ends the names that it makes up for FIFO queues as such names must end."""
    is_unnamed_fifo = template["Properties"].get("FifoQueue") and "QueueName" not in template["Properties"]
    return create(f"{name[:75]}.fifo" if is_unnamed_fifo else name, template, *rest, **more)


def dress_role(iam: Any, name: str, properties: dict) -> None:
    """Once more as JSON: it keeps the object, and shows it as Python would."""
    for policy in properties.get("Policies", []):
        document = json.dumps(policy["PolicyDocument"])
        iam.put_role_policy(RoleName=name, PolicyName=policy["PolicyName"], PolicyDocument=document)


def dress_function(function: Any, properties: dict) -> None:
    function.tracing_config = properties["TracingConfig"]
    function.architectures = properties["Architectures"]


def make_key(kms: Any, properties: dict, account: str, region: str) -> Any:
    wanted = {key: properties[key] for key in ("KeySpec", "KeyUsage", "Description") if key in properties}
    key_id = kms.create_key(**wanted, Policy=json.dumps(properties["KeyPolicy"]))["KeyMetadata"]["KeyId"]
    if properties.get("EnableKeyRotation"):
        kms.enable_key_rotation(KeyId=key_id)
    return kms_backends[account][region].keys[key_id]
