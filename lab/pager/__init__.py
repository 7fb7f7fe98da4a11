"""A pager to practise with: takes what Alertmanager would send to PagerDuty and to a ticket system, and shows it."""
