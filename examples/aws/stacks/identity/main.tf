# Who may do what in the environment's account: a role for each purpose, with a policy of its own.
data "aws_caller_identity" "current" {}

data "aws_iam_policy_document" "trust" {
  for_each = local.roles

  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = each.value.trusts.type
      identifiers = each.value.trusts.identifiers
    }
  }
}

data "aws_iam_policy_document" "permissions" {
  for_each = local.roles

  dynamic "statement" {
    for_each = each.value.may

    content {
      sid       = statement.key
      actions   = statement.value.actions
      resources = statement.value.resources
    }
  }
}

resource "aws_iam_role" "main" {
  for_each = local.roles

  name               = "${var.name}-${each.key}"
  description        = each.value.description
  assume_role_policy = data.aws_iam_policy_document.trust[each.key].json
}

resource "aws_iam_policy" "main" {
  for_each = local.roles

  name        = "${var.name}-${each.key}"
  description = each.value.description
  policy      = data.aws_iam_policy_document.permissions[each.key].json
}

resource "aws_iam_role_policy_attachment" "main" {
  for_each = local.roles

  role       = aws_iam_role.main[each.key].name
  policy_arn = aws_iam_policy.main[each.key].arn
}

resource "aws_iam_instance_profile" "bastion" {
  name = "${var.name}-bastion"
  role = aws_iam_role.main["bastion"].name
}
