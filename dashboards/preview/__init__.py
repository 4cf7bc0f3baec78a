"""Draws the dashboards as Grafana would, without Grafana: for people to look at before they are shipped."""
