print 'no'
