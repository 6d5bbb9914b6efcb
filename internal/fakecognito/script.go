package fakecognito

type userKey struct{ poolID, name string }

// ScriptUser queues faults for the next requests that name the user of that pool: one request, one fault. A request
// finds the queue under the user's own name, whatever alias it uses, or under the name as the request has it.
func (s *Server) ScriptUser(poolID, username string, faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, u := s.lookUp(poolID, username); u != nil {
		username = u.Username
	}
	key := userKey{poolID, username}
	s.scripts[key] = append(s.scripts[key], faults...)
}

// scripted takes the request's fault out of the scripts. The lock is held.
func (s *Server) scripted(r Request) (Fault, bool) {
	var own string
	if _, u := s.lookUp(r.PoolID, r.Username); u != nil {
		own = u.Username
	}
	for _, name := range []string{own, r.Username} {
		key := userKey{r.PoolID, name}
		queue := s.scripts[key]
		if len(queue) == 0 {
			continue
		}
		if s.scripts[key] = queue[1:]; len(queue) == 1 {
			delete(s.scripts, key)
		}
		return queue[0], true
	}
	return Fault{}, false
}
