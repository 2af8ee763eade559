// Package shift moves a name's traffic from one load balancer to another by weighted records of Route 53, and back.
//
// The records are the only state. The present record, which is nobody's but its owner's, becomes one of a pair: the
// same record with a SetIdentifier and a Weight, and nothing else changed, so that it can be given back exactly as
// Route 53 listed it. The other of the pair leads to the network load balancer. Each change is one batch, which
// Route 53 makes wholly or not at all, and the batch deletes exactly what was read: where somebody else changed a
// record meanwhile, Route 53 refuses all of it.
// https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html
//
// What is judged ([Read], [Forward], [Backward], [Back], [Finish]) does no I/O; a [Runner] carries it out.
package shift
