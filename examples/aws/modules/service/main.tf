# A program of the shop that ECS keeps running behind a target group, with its log.
data "aws_region" "current" {}

resource "aws_cloudwatch_log_group" "main" {
  name              = "/${var.name}"
  retention_in_days = var.log_days
}

resource "aws_security_group" "main" {
  name        = replace(var.name, "/", "-")
  description = "Tasks of ${var.name}"
  vpc_id      = var.network.vpc

  ingress {
    description     = "from the load balancer"
    protocol        = "tcp"
    from_port       = var.port
    to_port         = var.port
    security_groups = [var.balancer]
  }

  egress {
    description = "anywhere"
    protocol    = "-1"
    from_port   = 0
    to_port     = 0
    cidr_blocks = ["0.0.0.0/0"]
  }

  tags = { Name = replace(var.name, "/", "-") }
}

resource "aws_ecs_task_definition" "main" {
  family                   = replace(var.name, "/", "-")
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  execution_role_arn       = var.roles.execution
  task_role_arn            = var.roles.task

  container_definitions = jsonencode([{
    name         = "main"
    image        = var.image
    essential    = true
    environment  = [for name in sort(keys(var.environment)) : { name = name, value = var.environment[name] }]
    portMappings = [{ containerPort = var.port, hostPort = var.port, protocol = "tcp" }]

    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.main.name
        awslogs-region        = data.aws_region.current.name
        awslogs-stream-prefix = "task"
      }
    }
  }])
}

resource "aws_ecs_service" "main" {
  name            = replace(var.name, "/", "-")
  cluster         = var.cluster
  task_definition = aws_ecs_task_definition.main.arn
  desired_count   = var.replicas
  launch_type     = "FARGATE"

  network_configuration {
    subnets         = var.network.private_subnets
    security_groups = [aws_security_group.main.id]
  }

  load_balancer {
    target_group_arn = var.target_group
    container_name   = "main"
    container_port   = var.port
  }

  lifecycle {
    # Nothing is said here of how tasks are spread over the zones again, and not every server of this API tells it.
    ignore_changes = [availability_zone_rebalancing]
  }
}
