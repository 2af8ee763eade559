variable "account" {
  description = "The account in which to build. Credentials of any other are refused."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account))
    error_message = "An account is 12 digits."
  }
}

variable "region" {
  description = "The Region in which to build."
  type        = string
}

variable "reserved_lcus" {
  description = "Capacity units to reserve for the Application Load Balancer, so that it has more nodes; 0 reserves none. They cost about 0.008 dollars an hour each."
  type        = number
  default     = 0

  validation {
    condition     = var.reserved_lcus == 0 || (var.reserved_lcus >= 100 && var.reserved_lcus <= 1500)
    error_message = "Either 0, or 100 to 1500."
  }
}
