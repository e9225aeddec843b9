# A machine that people come in by: SSH from known places, to the network and for its own updates out of it.
data "aws_ami" "linux" {
  owners      = ["amazon"]
  most_recent = true

  filter {
    name   = "name"
    values = ["al2023-ami-2023.*-kernel-6.1-x86_64"]
  }

  filter {
    name   = "virtualization-type"
    values = ["hvm"]
  }
}

resource "aws_security_group" "main" {
  name        = var.name
  description = "SSH to the bastion"
  vpc_id      = var.vpc

  dynamic "ingress" {
    for_each = var.ssh_from

    content {
      description = "SSH from ${ingress.value}"
      protocol    = "tcp"
      from_port   = 22
      to_port     = 22
      cidr_blocks = [ingress.value]
    }
  }

  egress {
    description = "SSH to machines of the network"
    protocol    = "tcp"
    from_port   = 22
    to_port     = 22
    cidr_blocks = var.ssh_to
  }

  egress {
    description = "updates"
    protocol    = "tcp"
    from_port   = 443
    to_port     = 443
    cidr_blocks = ["0.0.0.0/0"]
  }

  tags = { Name = var.name }
}

resource "aws_instance" "main" {
  ami                    = data.aws_ami.linux.id
  instance_type          = var.instance_type
  subnet_id              = var.subnet
  vpc_security_group_ids = [aws_security_group.main.id]
  iam_instance_profile   = var.profile
  user_data              = templatefile("${path.module}/user-data.sh.tftpl", { name = var.name, networks = var.ssh_to })

  metadata_options {
    http_endpoint = "enabled"
    http_tokens   = "required"
  }

  root_block_device {
    volume_type = "gp3"
    volume_size = 10
    encrypted   = true
  }

  tags = { Name = var.name }

  lifecycle {
    # A newer image is taken when the machine is made anew, not because there is one.
    ignore_changes = [ami]
  }
}

resource "aws_eip" "main" {
  domain   = "vpc"
  instance = aws_instance.main.id

  tags = { Name = var.name }
}
