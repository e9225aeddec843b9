"""What is in an account besides its networks. Each function answers kind, id, name and everything that is told of it."""
from observe.account import listed


def balancers(account):
    def ask(action, **values):
        return account.query("elasticloadbalancing", "2015-12-01", action, **values)

    def whole_of(kind, arn, name, thing):
        described = listed(ask("DescribeTags", ResourceArns_member_1=arn), "TagDescriptions")
        return kind, arn, name, {**thing, "tags": described[0].get("Tags", "") if described else ""}

    for group in listed(ask("DescribeTargetGroups"), "TargetGroups"):
        arn = group["TargetGroupArn"]
        group["attributes"] = listed(ask("DescribeTargetGroupAttributes", TargetGroupArn=arn), "Attributes")
        # Once, however many of its listeners lead here.
        group["LoadBalancerArns"] = sorted(set(listed(group, "LoadBalancerArns")))
        group["targets"] = listed(ask("DescribeTargetHealth", TargetGroupArn=arn), "TargetHealthDescriptions")
        yield whole_of("target-group", arn, group["TargetGroupName"], group)
    for balancer in listed(ask("DescribeLoadBalancers"), "LoadBalancers"):
        arn, name = balancer["LoadBalancerArn"], balancer["LoadBalancerName"]
        balancer["attributes"] = listed(ask("DescribeLoadBalancerAttributes", LoadBalancerArn=arn), "Attributes")
        yield whole_of("load-balancer", arn, name, balancer)
        for listener in listed(ask("DescribeListeners", LoadBalancerArn=arn), "Listeners"):
            listens = f"{name}:{listener['Port']}"
            yield whole_of("listener", listener["ListenerArn"], listens, listener)
            for rule in listed(ask("DescribeRules", ListenerArn=listener["ListenerArn"]), "Rules"):
                yield whole_of("listener-rule", rule["RuleArn"], f"{listens} {rule['Priority']}", rule)


def names(account):
    base = "/2013-04-01"
    for zone in listed(account.rest("route53", f"{base}/hostedzone"), "HostedZones", "HostedZone"):
        key = zone.pop("Id").split("/")[-1]
        labels = account.rest("route53", f"{base}/tags/hostedzone/{key}")
        zone["tags"] = listed(labels, "ResourceTagSet", "Tags")
        yield "zone", key, zone["Name"], zone
        for record in listed(account.rest("route53", f"{base}/hostedzone/{key}/rrset"), "ResourceRecordSets", "ResourceRecordSet"):
            yield "record", None, " ".join([record["Name"], record["Type"], record.get("SetIdentifier", "")]).strip(), record


def buckets(account):
    for bucket in listed(account.rest("s3", "/"), "Buckets", "Bucket"):
        name = bucket["Name"]
        parts = ("versioning", "encryption", "publicAccessBlock", "policy", "lifecycle", "tagging")
        yield "bucket", None, name, {part: account.rest("s3", f"/{name}?{part}") for part in parts}


def identities(account):
    def ask(action, **values):
        return account.query("iam", "2010-05-08", action, **values)

    for role in listed(ask("ListRoles"), "Roles"):
        name = role["RoleName"]
        role = ask("GetRole", RoleName=name)["Role"]
        role["attached"] = listed(ask("ListAttachedRolePolicies", RoleName=name), "AttachedPolicies")
        inline = listed(ask("ListRolePolicies", RoleName=name), "PolicyNames")
        role["inline"] = [ask("GetRolePolicy", RoleName=name, PolicyName=policy)["PolicyDocument"] for policy in inline]
        yield "role", role["RoleId"], name, role
    for policy in listed(ask("ListPolicies", Scope="Local"), "Policies"):
        arn, version = policy["Arn"], policy["DefaultVersionId"]
        policy = ask("GetPolicy", PolicyArn=arn)["Policy"]
        policy["document"] = ask("GetPolicyVersion", PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
        yield "policy", policy["PolicyId"], policy["PolicyName"], policy
    for profile in listed(ask("ListInstanceProfiles"), "InstanceProfiles"):
        profile["Roles"] = [role["RoleName"] for role in listed(profile, "Roles")]
        yield "instance-profile", profile["InstanceProfileId"], profile["InstanceProfileName"], profile


def containers(account):
    def ask(action, **values):
        return account.call("ecs", f"AmazonEC2ContainerServiceV20141113.{action}", **values)

    clusters = ask("ListClusters")["clusterArns"]
    for cluster in ask("DescribeClusters", clusters=clusters, include=["TAGS", "SETTINGS"])["clusters"] if clusters else []:
        if cluster["status"] == "ACTIVE":
            yield "cluster", None, cluster["clusterName"], cluster
        for arn in ask("ListServices", cluster=cluster["clusterArn"])["serviceArns"]:
            for service in ask("DescribeServices", cluster=cluster["clusterArn"], services=[arn], include=["TAGS"])["services"]:
                if service["status"] == "ACTIVE":
                    yield "service", None, service["serviceName"], service
    for arn in ask("ListTaskDefinitions", status="ACTIVE")["taskDefinitionArns"]:
        found = ask("DescribeTaskDefinition", taskDefinition=arn, include=["TAGS"])
        yield "task-definition", None, found["taskDefinition"]["family"], {**found["taskDefinition"], "tags": found.get("tags", [])}


def watching(account):
    def ask(action, **values):
        return account.query("monitoring", "2010-08-01", action, **values)

    for alarm in listed(ask("DescribeAlarms"), "MetricAlarms"):
        alarm["tags"] = ask("ListTagsForResource", ResourceARN=alarm["AlarmArn"]).get("Tags", "")
        yield "alarm", None, alarm["AlarmName"], alarm
    for group in account.call("logs", "Logs_20140328.DescribeLogGroups")["logGroups"]:
        name = group["logGroupName"]
        group["tags"] = account.call("logs", "Logs_20140328.ListTagsLogGroup", logGroupName=name)["tags"]
        yield "log-group", None, name, group
    sns = ("sns", "2010-03-31")
    for topic in listed(account.query(*sns, "ListTopics"), "Topics"):
        arn = topic["TopicArn"]
        topic["subscriptions"] = account.query(*sns, "ListSubscriptionsByTopic", TopicArn=arn).get("Subscriptions", "")
        topic["tags"] = account.query(*sns, "ListTagsForResource", ResourceArn=arn).get("Tags", "")
        yield "topic", None, arn.split(":")[-1], topic


PARTS = [balancers, names, buckets, identities, containers, watching]
