package lang

// chineseMove is what moving and migrating say in Chinese.
var chineseMove = map[string]string{
	"Move all jobs and messages to another store": "把所有任务和消息搬到另一个存储",
	"Move jobs and messages from one store to another, of any kind: ids, payloads, attempts, histories, unique keys, " +
		"dependencies, order and paused queues are kept. Both stores may be in use meanwhile; let programs enqueue to the " +
		"new store before, and stop the old workers, or the old store fills again.\n\n" +
		"A move that was interrupted, even killed, goes on when it is run again: nothing is lost, and nothing comes twice. " +
		"Jobs that are being run cannot be moved: it does not begin while there are any, unless --wait has it wait for them.\n\n" +
		"'move jobs' moves jobs to another queue of the same store.": "把任务和消息从一个存储搬到另一个存储，种类不限：编号、参数、尝试次数、历史、唯一键、依赖、顺序和暂停的队列都保持不变。" +
		"搬移期间两个存储都可以使用；请先让程序向新的存储入队，并停止旧的 worker，否则旧的存储又会有任务。\n\n" +
		"中断的搬移，即使是被杀死的，再运行一次就会继续：什么也不会丢失，什么也不会重复。" +
		"运行中的任务不能搬移：有这样的任务时不会开始，除非用 --wait 等待它们。\n\n“move jobs”把任务移到同一存储的另一个队列。",
	"`URL` of the store that is emptied (default: that of --store)":                "要搬空的存储的 `URL`（默认为 --store 的）",
	"`URL` of the store that gets the jobs":                                        "接收任务的存储的 `URL`",
	"only this `QUEUE`, of jobs or of messages; may be repeated":                   "只搬这个队列 `QUEUE`（任务或消息）；可重复",
	"wait for jobs that are being run":                                             "等待运行中的任务",
	"say with --to URL where to move the jobs":                                     "请用 --to URL 说明任务搬到哪里",
	"Move %s and %s from %s to %s?":                                                "要把%s和%s从 %s 搬到 %s 吗？",
	"Moved %s and %s before the error; run it again to go on.":                     "出错之前已搬移%s和%s；再运行一次即可继续。",
	"Moved %s and %s from %s to %s in %s (%s a second).":                           "已把%s和%s从 %s 搬到 %s，用时 %s（每秒 %s）。",
	"Queue %s is paused there, as it was here.":                                    "队列 %s 在那里和在这里一样是暂停的。",
	"workers run jobs of this store (%v): stop them, or wait for them with --wait": "worker 正在运行此存储的任务（%v）：请停止它们，或用 --wait 等待",
	"%v: jobs are on their way from this store to another one than %s: end that move first, by running it again": "%v：此存储的任务正在搬往另一个存储，不是 %s：" +
		"请先再次运行那次搬移，使它结束",
	"%s being run meanwhile and left: run it again with --wait":          "%s正在运行，因此留下：请加 --wait 再运行一次",
	"%s left: they wait for jobs that were not moved, or cannot be read": "%s留下：它们等待没有搬移的任务，或者无法读取",
	"%s failed: a living job in %s has the same unique key":              "%s失败：%s 中有尚未结束的任务持有相同的唯一键",
	"%s jobs were":         "%s 个任务",
	"Move %s?":             "要移动%s吗？",
	"%s moved":             "%s已移动",
	"no job was moved: %s": "没有任务移动：%s",
	"Move jobs to another queue of the same store": "把任务移到同一存储的另一个队列",
	"Put queued, scheduled, failed and canceled jobs in another queue. They stay as they are, and jobs that depend on " +
		"them find them; jobs in other states are skipped, and those whose unique key a living job of that queue has.\n\n" +
		"--all takes every such job, or those that --queue, --state and --task select, and asks before.": "把排队、计划、失败和已取消的任务放到另一个队列。它们保持原样，依赖它们的任务仍能找到它们；" +
		"其他状态的任务会跳过，唯一键被那个队列中尚未结束的任务持有的也会跳过。\n\n--all 处理所有这样的任务，或 --queue、--state 和 --task 选出的，并先询问。",
	"the `QUEUE` that gets the jobs":             "接收任务的队列 `QUEUE`",
	"say with --to QUEUE where to move the jobs": "请用 --to QUEUE 说明任务移到哪里",

	"Make and upgrade the tables of a SQL store": "建立和升级 SQL 存储的表",
	"Look at the steps by which a SQL store's tables are made and upgraded, and do them. Programs do them by themselves " +
		"when they open a store, unless they are told not to because their role may not: then do them with these commands, " +
		"before the new version of the program runs.": "查看并执行建立和升级 SQL 存储的表的步骤。程序打开存储时会自行执行，除非因其角色无权而被告知不要这样做：" +
		"这时请在运行新版本的程序之前用这些命令执行。",
	"List the steps, and which of them were done": "列出各步骤，以及哪些已经执行",
	"List the steps that this program knows, and when they were done in the store. Nothing is changed. " +
		"The exit status is 1 where one is missing.": "列出本程序知道的步骤，以及它们何时在存储中执行过。不作任何更改。缺少步骤时退出码为 1。",
	"Do the steps that are missing": "执行缺少的步骤",
	"Do the steps that are missing. Any number of processes may do so at once, and one that was killed is run again.": "执行缺少的步骤。任意多个进程可以同时执行；被杀死的再运行一次即可。",
	"Print the SQL of the steps that are missing": "输出缺少的步骤的 SQL",
	"Print the statements that up would run, for whoever may run them: each step with the statement that says that it " +
		"was done.": "输出 up 会执行的语句，供有权执行的人使用：每个步骤都带有说明它已执行的那条语句。",
	"also the steps that were done":                  "也包括已执行的步骤",
	"%s has no tables: there is nothing to migrate.": "%s 没有表：无需迁移。",
	"%s missing: '%s migrate up' does them":          "缺少%s：“%s migrate up”会执行",
	"%s steps are":                                   " %s 个步骤",
	"STEP":                                           "步骤",
	"DONE":                                           "执行于",
	"missing":                                        "缺少",
	"%s, by a newer program":                         "%s，由更新的程序执行",
	"No step is missing.":                            "没有缺少步骤。",
}
