output "platform_url" {
  description = "Where one signs up."
  value       = "https://${var.base_host}/"
}

output "loader_url" {
  description = "What customers' pages load."
  value       = "https://${local.widget_host}/porchlight.js"
}

output "name_servers" {
  description = "To be entered at the registrar of base_host, if the zone was made here."
  value       = one(aws_route53_zone.main[*].name_servers)
}

output "repository" {
  description = "Where the image goes."
  value       = aws_ecr_repository.main.repository_url
}

output "cluster" {
  description = "The cluster and its services."
  value       = { name = aws_ecs_cluster.main.name, services = sort(keys(aws_ecs_service.service)) }
}

output "one_off" {
  description = "Commands that run a task once, wait for its end, and fail where it fails: prepare makes the database's two logins, migrate brings every schema up to date, plans brings plans and prices into the tables and to Stripe. OVERRIDES, if set, are ECS' own for that run."
  value = {
    for name, task in aws_ecs_task_definition.one_off : name => join(" ", [
      "task=$(aws ecs run-task --region ${var.region} --cluster ${aws_ecs_cluster.main.name} --launch-type FARGATE",
      "--task-definition ${task.family}",
      "--network-configuration 'awsvpcConfiguration={subnets=[${join(",", aws_subnet.private[*].id)}],securityGroups=[${aws_security_group.tasks.id}],assignPublicIp=DISABLED}'",
      "$${OVERRIDES:+--overrides \"$OVERRIDES\"} --query 'tasks[0].taskArn' --output text) &&",
      "aws ecs wait tasks-stopped --region ${var.region} --cluster ${aws_ecs_cluster.main.name} --tasks \"$task\" &&",
      "test 0 = \"$(aws ecs describe-tasks --region ${var.region} --cluster ${aws_ecs_cluster.main.name} --tasks \"$task\"",
      "--query 'tasks[0].containers[0].exitCode' --output text)\"",
    ])
  }
}

output "secrets" {
  description = "Where each secret is kept, by the setting's name. The values are nobody's output."
  value       = { for name, secret in aws_secretsmanager_secret.setting : name => secret.name }
}

output "database" {
  description = "The database server's address, reached from the private subnets only."
  value       = aws_db_instance.main.address
}

output "dashboard" {
  description = "The page for the night."
  value       = "https://${var.region}.console.aws.amazon.com/cloudwatch/home?region=${var.region}#dashboards:name=${local.name}"
}

output "files_bucket" {
  description = "The bucket of tenants' files."
  value       = aws_s3_bucket.files.id
}
