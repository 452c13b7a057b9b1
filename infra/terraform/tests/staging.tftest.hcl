# The small installation, with the numbers of staging.

mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "staging" {
  command = plan

  assert {
    condition     = local.name == "porchlight-staging" && length(aws_nat_gateway.main) == 1
    error_message = "It has one way out for all zones."
  }

  assert {
    condition = (
      !aws_db_instance.main.multi_az &&
      !aws_db_instance.main.deletion_protection &&
      aws_db_instance.main.backup_retention_period >= 1 &&
      aws_db_instance.main.storage_encrypted &&
      !aws_db_instance.main.publicly_accessible
    )
    error_message = "Its database has no standby and may be deleted, and is as closed as production's."
  }

  assert {
    condition     = length(aws_elasticache_replication_group.primary) == 1 && !aws_elasticache_replication_group.primary[0].automatic_failover_enabled
    error_message = "Its bus is one server."
  }

  assert {
    condition     = alltrue([for target in aws_appautoscaling_target.service : target.min_capacity == 1])
    error_message = "It runs one task of each kind."
  }

  assert {
    condition     = alltrue([for name in keys(local.services) : aws_cloudwatch_metric_alarm.below["${name}-silent"].threshold >= 1])
    error_message = "It says when it is silent, too."
  }
}
