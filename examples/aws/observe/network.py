"""What is in an account's networks: everything that EC2 tells of, but what every account has without asking and what is gone."""
from observe.account import listed, tags

# Kind, what to ask for, where the answer is, the attribute with the id.
EC2 = [
    ("vpc", "DescribeVpcs", "vpcSet", "vpcId"),
    ("subnet", "DescribeSubnets", "subnetSet", "subnetId"),
    ("internet-gateway", "DescribeInternetGateways", "internetGatewaySet", "internetGatewayId"),
    ("route-table", "DescribeRouteTables", "routeTableSet", "routeTableId"),
    ("nat-gateway", "DescribeNatGateways", "natGatewaySet", "natGatewayId"),
    ("address", "DescribeAddresses", "addressesSet", "allocationId"),
    ("security-group", "DescribeSecurityGroups", "securityGroupInfo", "groupId"),
    ("rule", "DescribeSecurityGroupRules", "securityGroupRuleSet", "securityGroupRuleId"),
    ("network-acl", "DescribeNetworkAcls", "networkAclSet", "networkAclId"),
    ("instance", "DescribeInstances", "reservationSet", "instanceId"),
    ("volume", "DescribeVolumes", "volumeSet", "volumeId"),
    ("interface", "DescribeNetworkInterfaces", "networkInterfaceSet", "networkInterfaceId"),
    ("peering", "DescribeVpcPeeringConnections", "vpcPeeringConnectionSet", "vpcPeeringConnectionId"),
    ("image", "DescribeImages", "imagesSet", "imageId"),
]


def is_gone(thing):
    state = thing.get("state") or thing.get("instanceState") or thing.get("status") or ""
    state = state.get("name") or state.get("code") if isinstance(state, dict) else state
    return state in ("deleted", "terminated", "rejected", "deleting")


def name_of_ec2(kind, thing):
    """The name that somebody gave it, or what it is a part of."""
    if kind == "rule":
        other = thing.get("cidrIpv4") or thing.get("cidrIpv6") or thing.get("referencedGroupInfo", {}).get("groupId", "")
        way = "to" if thing["isEgress"] == "true" else "from"
        return f"of {thing['groupId']} {way} {other} {thing['ipProtocol']} {thing.get('fromPort')}-{thing.get('toPort')}"
    named = tags(thing.get("tagSet", "")).get("Name") or thing.get("name")
    if named:
        return named
    if kind == "volume":
        return " ".join(["of", *(held["instanceId"] for held in thing.get("attachmentSet") or [])])
    within = thing.get("subnetId") or thing.get("vpcId", "")
    return f"{thing.get('groupName', '')} in {within}".strip()


def ec2(account):
    def ask(action, **values):
        return account.query("ec2", "2016-11-15", action, **values)

    passed_over, networks = set(), set()
    for kind, action, place, key in EC2:
        values = {"Owner_1": "amazon"} if kind == "image" else {}
        found = listed(ask(action, **values), place)
        if kind == "instance":
            found = [machine for reservation in found for machine in reservation["instancesSet"]]
        for thing in found:
            parents = {thing.get("vpcId"), thing.get("groupId")}
            if thing.get("isDefault") == "true" or parents & passed_over:
                # The network that every account has. Its subnets are marked the same way, in a network that is.
                if kind in ("vpc", "security-group"):
                    passed_over.add(thing[key])
                continue
            if is_gone(thing) or kind in ("interface", "network-acl") and thing.get("vpcId") not in networks:
                # moto forgets to take these two away with their network.
                continue
            if kind == "vpc":
                networks.add(thing[key])
                for attribute in ("enableDnsSupport", "enableDnsHostnames"):
                    thing[attribute] = ask("DescribeVpcAttribute", VpcId=thing[key], Attribute=attribute)[attribute]["value"]
            if kind == "instance":
                thing["userData"] = ask("DescribeInstanceAttribute", InstanceId=thing[key], Attribute="userData").get("userData")
            if kind == "security-group":
                # Each is told as a rule.
                del thing["ipPermissions"], thing["ipPermissionsEgress"]
            yield kind, thing.pop(key), name_of_ec2(kind, thing), thing
