"""Which sellers an enforcement action will follow within 60 days: `high_risk_60d`."""
