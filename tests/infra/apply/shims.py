"""What moto does not answer yet, and the provider asks: tags of scaling targets, members and parameter groups of ElastiCache.

Each of them ends an apply: the provider asks again and again, for minutes, what will never be answered. And what moto is told and
does not keep: how many servers a group of ElastiCache has, and how its token is changed.
"""

import json
from collections.abc import Callable
from typing import Any

from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse
from moto.core.responses import ActionResult
from moto.elasticache.models import ElastiCacheBackend
from moto.elasticache.responses import ElastiCacheResponse

Group = dict[str, Any]

_groups: dict[str, Group] = {}  # parameter groups by name, with their parameters
_tokens: dict[str, list[tuple[str, str]]] = {}  # what each replication group was told of its token: the strategy, the token


def install() -> None:
    """Teach moto. To be called before its server starts."""
    ApplicationAutoScalingResponse.list_tags_for_resource = lambda _self: json.dumps({"Tags": {}})
    for action in (_create_group, _modify_group, _describe_groups, _describe_parameters, _members, _tags):
        setattr(ElastiCacheResponse, ACTIONS[action.__name__], action)
    ElastiCacheResponse.modify_replication_group = _noting(ElastiCacheResponse.modify_replication_group)
    ElastiCacheBackend.create_replication_group = _whole(ElastiCacheBackend.create_replication_group)


ACTIONS = {
    "_create_group": "create_cache_parameter_group",
    "_modify_group": "modify_cache_parameter_group",
    "_describe_groups": "describe_cache_parameter_groups",
    "_describe_parameters": "describe_cache_parameters",
    "_members": "describe_cache_clusters",
    "_tags": "list_tags_for_resource",
}


def parameters_of(name: str) -> dict[str, str]:
    """What a parameter group of ElastiCache was told."""
    return dict(_groups[name]["parameters"])


def tokens_of(name: str) -> list[tuple[str, str]]:
    """How a replication group's token was changed since it was made: each time the strategy and the token."""
    return list(_tokens.get(name, []))


def _noting(modify: Callable[[Any], ActionResult]) -> Callable[[Any], ActionResult]:
    def noted(self: Any) -> ActionResult:
        if token := self._get_param("AuthToken"):
            told = _tokens.setdefault(self._get_param("ReplicationGroupId"), [])
            told.append((self._get_param("AuthTokenUpdateStrategy"), token))
        return modify(self)

    return noted


def _whole(create: Callable[..., Any]) -> Callable[..., Any]:
    def made(self: Any, **asked: Any) -> Any:
        servers = asked.get("num_cache_clusters")
        return create(self, **asked | ({"replicas_per_node_group": servers - 1} if servers else {}))

    return made


def _create_group(self: Any) -> ActionResult:
    name = self._get_param("CacheParameterGroupName")
    _groups[name] = {
        "CacheParameterGroupName": name,
        "CacheParameterGroupFamily": self._get_param("CacheParameterGroupFamily"),
        "Description": self._get_param("Description"),
        "ARN": f"arn:aws:elasticache:{self.region}:{self.current_account}:parametergroup:{name}",
        "parameters": {},
    }
    return ActionResult({"CacheParameterGroup": _groups[name]})


def _modify_group(self: Any) -> ActionResult:
    name = self._get_param("CacheParameterGroupName")
    for each in self._get_param("ParameterNameValues", []):
        _groups[name]["parameters"][each["ParameterName"]] = each["ParameterValue"]
    return ActionResult({"CacheParameterGroupName": name})


def _describe_groups(self: Any) -> ActionResult:
    name = self._get_param("CacheParameterGroupName")
    return ActionResult({"CacheParameterGroups": [group for each, group in _groups.items() if name in (None, each)]})


def _describe_parameters(self: Any) -> ActionResult:
    found = _groups[self._get_param("CacheParameterGroupName")]["parameters"]
    return ActionResult({"Parameters": [{"ParameterName": name, "ParameterValue": value} for name, value in found.items()]})


def _members(self: Any) -> ActionResult:
    """One of the servers of a replication group, as its group is."""
    asked = self._get_param("CacheClusterId")
    for group in self.elasticache_backend.describe_replication_groups():
        if asked in group.member_clusters:
            return ActionResult({"CacheClusters": [_member(group, asked)]})
    return ActionResult({"CacheClusters": []})


def _member(group: Any, name: str) -> dict[str, Any]:
    return {
        "CacheClusterId": name,
        "CacheClusterStatus": "available",
        "ReplicationGroupId": group.replication_group_id,
        "Engine": group.engine,
        "EngineVersion": group.engine_version,
        "CacheNodeType": group.cache_node_type,
        "NumCacheNodes": 1,
        "CacheParameterGroup": {"CacheParameterGroupName": group.cache_parameter_group_name},
        "CacheSubnetGroupName": group.cache_subnet_group_name,
        "SecurityGroups": [{"SecurityGroupId": each, "Status": "active"} for each in group.security_group_ids],
        "PreferredMaintenanceWindow": group.preferred_maintenance_window,
        "AutoMinorVersionUpgrade": True,
        "TransitEncryptionEnabled": group.transit_encryption_enabled,
        "AtRestEncryptionEnabled": group.at_rest_encryption_enabled,
    }


def _tags(self: Any) -> ActionResult:
    arn = self._get_param("ResourceName")
    if ":parametergroup:" in arn or ":cluster:" in arn:
        return ActionResult({"TagList": []})
    return ActionResult({"TagList": self.elasticache_backend.list_tags_for_resource(arn)["Tags"]})
