package lang

// chineseCharts is the part of the catalogue of Chinese for charts, for what goes on in the background, and for what people
// order and have done.
var chineseCharts = map[string]string{
	// Charts.
	"Charts": "图表", "Period": "时间段", "1 hour": "1 小时", "24 hours": "24 小时", "30 days": "30 天", "Split": "拆分", "Show": "显示",
	"all queues": "全部队列", "all tasks": "全部任务名", "in total": "合计", "by queue": "按队列", "by task": "按任务名", "others": "其他",
	"Throughput": "吞吐量", "jobs finished a minute": "每分钟完成的任务", "attempts that failed": "失败的尝试次数",
	"Wait": "等待时间", "from ready to started": "从就绪到开始运行", "Run time": "运行时间", "of an attempt": "每次尝试",
	"Queue depth": "队列深度", "jobs that wait": "等待中的任务", "jobs that wait or run": "等待和运行中的任务",
	"As a table": "以表格显示", "As charts": "查看图表", "Time": "时间", "%s, %s: a chart; the table below has its numbers": "图表：%s，%s；数据见下方表格",
	"Nothing was recorded in this period.": "这段时间没有记录。",
	"Workers record how many jobs they run and how long those wait and take. The charts fill once a worker has run for a few seconds.": "Worker 会记录运行了多少任务，以及任务等待和运行的时间。Worker 运行几秒后，这里就会出现图表。",
	"Finished in the last hour": "最近一小时完成的任务", "Messages that waited in the last hour": "最近一小时等待的消息",
	"Wait p50 · p95": "等待 p50 · p95", "Run p50 · p95": "运行 p50 · p95",
	"of the jobs started in the last hour: half of them waited no longer, and 95 of 100": "最近一小时开始的任务中，一半的等待时间不超过前者，95% 不超过后者",
	"Failures on each of the last 30 days":                                               "最近 30 天每天的失败",

	// Overview and failures.
	"rates by the last minute, times in UTC": "速率按最近一分钟计，时间为 UTC", "workers": "Worker 进程",
	"Jobs wait, and no worker runs.": "有任务在等待，却没有 worker 在运行。", "How to start one": "如何启动 worker", "was last heard of": "最近一次心跳在",
	"its context has ended and it has not returned": "context 已结束，函数却没有返回", "workers take none of its jobs": "worker 不会领取它的任务",
	"Requeue all": "全部重新入队", "one cause": "同一原因",
	"All %s failed jobs were counted in the background":           "全部 %s 个失败任务已在后台统计，时间",
	"All of them are being counted in the background: %s so far.": "正在后台统计全部失败任务：已统计 %s 个。",

	// Jobs and one job.
	"More filters": "更多条件", "Since": "起始时间", "Until": "结束时间", "On a page": "每页", "%s selected": "已选 %s 个",
	"Failed at": "失败时间", "Ended": "结束时间", "Started": "开始时间", "Waits since": "等待开始", "Due": "预定时间",
	"queue by queue; choose one to see its newest first":                                             "按队列依次列出；选择一个队列即可按时间从新到旧查看",
	"No job matches among those that were looked into.":                                              "已查看的任务中没有符合条件的。",
	"The look reached back to":                                                                       "已查看到",
	"%q is not a time: write it as 2006-01-02T15:04 (UTC), or as a duration before now such as 90m.": "%q 不是时间：请写成 2006-01-02T15:04（UTC），或写成距现在的时长，例如 90m。",
	"Move": "移动", "Move %s jobs to another queue?": "将 %s 个任务移到另一个队列？", "%s jobs moved.": "已移动 %s 个任务。", "To the queue": "目标队列",
	"They keep their place by priority and time. Only workers that serve that queue run them.": "任务仍按优先级和时间排序。只有服务于该队列的 worker 会运行它们。",
	"%s steps are left out.": "省略了 %s 步。", "Not before": "最早开始", "of at most %d": "/ 最多 %d 次", "Attempts in all": "尝试次数", "Unknown task": "未知任务", "no worker that took it knows it": "领取过它的 worker 都不认识这个任务",
	"Waited for by": "被以下任务等待", "There may be more: not all jobs were looked into.": "可能还有：并未查看全部任务。",
	"This task in the last 24 hours": "此任务最近 24 小时的情况", "No attempt was recorded.": "没有尝试记录。",
	"Finished in the last 24 hours": "最近 24 小时完成", "Failed attempts in the last 24 hours": "最近 24 小时失败的尝试",
	"copy": "复制",

	// In the background.
	"In the background": "后台操作", "%s actions go on in the background": "后台有 %s 个操作进行中", "actions on many jobs, since the dashboard was started": "控制台启动以来对大量任务的操作",
	"Nothing goes on in the background.": "后台没有进行中的操作。", "What you do to all jobs that match a filter shows its progress here.": "对符合条件的全部任务进行的操作，会在这里显示进度。",
	"It goes on in the background; you may leave this page.": "操作在后台继续，可以离开本页。", "Stop here": "到此为止", "Go on working": "继续工作",
	"Back to the jobs": "返回任务列表", "To the jobs": "前往任务列表", "of %s": "/ 共 %s", "of at least %s": "/ 至少 %s", "the jobs that match now": "现在符合条件的任务",
	"running": "进行中", "done": "已完成",
	"There is no such action. Those that have ended are forgotten after a while, and when the dashboard is restarted.": "没有这个操作。已结束的操作过一段时间，或控制台重启后，就不再保留。",

	// Workers and the audit log.
	"quiet": "暂停领取", "Quiet": "暂停领取", "Stop": "停止", "memory": "内存", "Runs": "正在运行", "for": "已用时",
	"It claims no more jobs; what runs goes on.":              "不再领取任务；运行中的任务继续。",
	"As at its first signal: it finishes what runs and ends.": "等同于收到第一个信号：运行完手头的任务后退出。",
	"Worker %s will claim no more jobs.":                      "Worker %s 将不再领取任务。", "Worker %s will claim jobs again.": "Worker %s 将重新领取任务。",
	"Worker %s will finish what it runs and stop.": "Worker %s 将在运行完手头的任务后停止。", "Stop worker %s?": "停止 worker %s？",
	"It claims no more, finishes what runs and ends, as at its first signal. This cannot be undone from here: whatever runs it has to start it again.": "它不再领取任务，运行完手头的任务后退出，等同于收到第一个信号。此操作无法在这里撤销：需要由启动它的系统重新启动。",
	"There is no such worker. It may have stopped meanwhile.": "没有这个 worker。它可能已经停止。",
	"Audit log": "操作日志", "what people did here, by the API and on the command line": "在控制台、通过 API 和命令行进行过的操作",
	"Who": "操作人", "Action": "操作", "To what": "对象", "No entry matches.": "没有符合条件的记录。", "Nobody has changed anything yet.": "还没有人做过任何更改。",
	"Every requeue, cancel, delete, move, pause and order is noted here, with who gave it.": "每次重新入队、取消、删除、移动、暂停和指令都会连同操作人记录在这里。",
	"cancel": "取消", "delete": "删除", "empty": "清空队列", "enqueue": "入队", "replace": "替换",
	"resume": "恢复", "clear": "清空", "stop": "停止", "migrate": "迁移",

	// The form.
	"Tasks": "任务名", "What %s takes": "%s 的参数格式", "Fill in an example": "填入示例", "Enqueue it all the same": "仍然入队",
	"that running workers know; choose one to begin with an example of what it takes":                                          "运行中的 worker 所知的任务；选择一个，从参数示例开始填写",
	"No worker runs, so that no task is known. A job can be enqueued all the same: it waits for a worker that knows its task.": "没有 worker 在运行，因此没有已知的任务名。仍然可以入队：任务会等到有 worker 认识它。",
	"No worker has said what this task takes.":                                                                                 "没有 worker 说明过这个任务的参数格式。",
	"The payload does not fit what the task takes:":                                                                            "参数不符合任务的要求：",
	"This is not known here. Is it spelled right?":                                                                             "这里没有这个字段。拼写是否正确？", "This fits none of the forms that it may have.": "不符合任何一种允许的形式。",
	"This is %s, and has to be %s.": "这是%s，应为%s。", "This has to be one of %s.": "必须是以下之一：%s。", "This is missing.": "缺少此字段。",
	"This has %d elements, and may have %d.": "有 %d 个元素，最多 %d 个。", "This has %d characters, and may have %d.": "有 %d 个字符，最多 %d 个。",
	"This has %d characters, and has to have %d at least.": "有 %d 个字符，至少 %d 个。", "This is less than %s.": "小于 %s。", "This is more than %s.": "大于 %s。",
	"a string": "字符串", "a number": "数字", "an integer": "整数", "true or false": "布尔值", "an object": "对象", "a list": "列表", "null": "空值（null）", " or ": "或",

	// The keyboard.
	"Next row": "下一行", "Row before": "上一行", "Select the row": "选择此行", "Along a chart": "沿图表移动",
}
