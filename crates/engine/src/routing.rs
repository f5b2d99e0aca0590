//! Routing: from events of the sources to facts of the squads' partitions.
