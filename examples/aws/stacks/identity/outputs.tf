output "roles" {
  description = "Each role's ARN by its purpose, once it has its policy."
  value       = { for purpose, role in aws_iam_role.main : purpose => role.arn }
  depends_on  = [aws_iam_role_policy_attachment.main]
}

output "bastion_profile" {
  value = aws_iam_instance_profile.bastion.name
}
