locals {
  tasks    = { type = "Service", identifiers = ["ecs-tasks.amazonaws.com"] }
  machines = { type = "Service", identifiers = ["ec2.amazonaws.com"] }
  people   = { type = "AWS", identifiers = ["arn:aws:iam::${data.aws_caller_identity.current.account_id}:root"] }

  roles = {
    operator = {
      description = "People who operate the environment"
      trusts      = local.people
      may = {
        Operate = { actions = var.operators_may, resources = ["*"] }
      }
    }
    execution = {
      description = "What starts the shop's tasks: fetches images, opens logs"
      trusts      = local.tasks
      may = {
        Fetch = {
          actions   = ["ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
          resources = ["*"]
        }
        Log = {
          actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
          resources = ["arn:aws:logs:*:${data.aws_caller_identity.current.account_id}:log-group:/${var.name}/*"]
        }
      }
    }
    task = {
      description = "The shop's programs themselves"
      trusts      = local.tasks
      may = {
        List = { actions = ["s3:ListBucket"], resources = ["arn:aws:s3:::${var.name}-assets"] }
        Read = { actions = ["s3:GetObject", "s3:PutObject"], resources = ["arn:aws:s3:::${var.name}-assets/*"] }
      }
    }
    bastion = {
      description = "The machine that people come in by"
      trusts      = local.machines
      may = {
        Look = { actions = ["ec2:DescribeInstances", "ecs:ListTasks"], resources = ["*"] }
      }
    }
  }
}
