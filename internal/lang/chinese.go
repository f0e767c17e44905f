package lang

// chinese is the catalogue of Chinese, by the English sentence.
var chinese = map[string]string{
	// States, events and roles.
	"queued": "排队中", "started": "运行中", "scheduled": "已定时", "deferred": "等待依赖", "failed": "失败",
	"finished": "已完成", "canceled": "已取消",
	"due": "已到时间", "fulfilled": "依赖已满足", "orphaned": "依赖失败", "claimed": "已领取", "succeeded": "成功", "retried": "待重试",
	"snoozed": "已推迟", "released": "已退回", "lost": "失联", "poisoned": "毒丸", "requeued": "已重新入队", "redeferred": "重新等待依赖",
	"viewer": "查看者", "operator": "操作者", "admin": "管理员",

	// Pages and their parts.
	"Overview": "概览", "Queues": "队列", "Jobs": "任务", "Failures": "失败", "Hotqueues": "Hotqueue 队列", "Hotqueue": "Hotqueue 队列",
	"Workers": "Worker 进程", "Worker": "Worker 进程", "Enqueue": "入队", "Settings": "设置", "Pages": "页面", "Menu": "菜单", "Keyboard": "键盘",
	"Queue": "队列", "Queue %s": "队列 %s", "Task": "任务名", "Job id": "任务编号", "State": "状态", "States": "状态",
	"Attempt": "尝试", "Attempt %d": "第 %d 次尝试", "Attempts": "各次尝试", "Attempts from": "至少尝试", "When": "时间", "Order": "顺序", "Actions": "操作",
	"newest first": "最新在前", "oldest first": "最旧在前", "newest": "最新一个", "first": "最早", "last": "最近", "all": "全部", "jobs": "任务数",
	"Skip to the content": "跳到正文", "Close": "关闭", "Back": "返回", "This list": "本列表", "Light or dark": "浅色或深色",
	"Filter": "筛选", "Reset": "清除", "Text in payload or error": "参数或错误中的文字", "Next page": "下一页", "Look further": "继续查找",
	"Select all on this page": "全选本页", "Select job %s": "选择任务 %s", "all %s that match": "符合条件的全部 %s 个", "all that match": "符合条件的全部",
	"To the overview": "回到概览", "read-only": "只读", "Are you sure?": "确定吗？",

	// Overview.
	"Figures": "数字", "Enqueued": "入队", "Finished": "完成", "Failed": "失败", "Store": "存储", "a minute": "每分钟", "an answer": "每次应答",
	"Waiting longest": "等待最久", "nothing waits": "没有等待的任务", "Jobs by state": "各状态的任务",
	"Needs attention": "需要关注", "All is well.": "一切正常。", "No job has failed, no worker is lost, nothing is stuck.": "没有失败的任务，没有失联的 worker，也没有卡住的任务。",
	"The store answers slowly: %s.": "存储应答缓慢：%s。",
	"All failures by cause":         "按原因查看全部失败", "done a minute": "每分钟完成", "%s more queues": "另有 %s 个队列",

	// Queues, jobs, failures.
	"%s queues": "%s 个队列", "paused": "已暂停", "Pause": "暂停", "Resume": "恢复", "Empty": "清空",
	"There is no queue yet.": "还没有队列。", "A queue appears with its first job. Enqueue one from your program, or on the command line:": "第一个任务入队时，队列就会出现。请在程序里或用命令行让一个任务入队：",
	"No job matches.": "没有符合条件的任务。", "Jobs that finish are deleted, unless their result is kept. Widen the filter, or choose another state.": "完成的任务会被删除，除非保留结果。请放宽筛选条件，或选择别的状态。",
	"%s jobs were looked into.": "已查看 %s 个任务。", "%s failed jobs": "%s 个失败的任务",
	"The newest %s failed jobs were looked into; counts are at least those shown.": "只查看了最新的 %s 个失败任务；实际数目不小于所示。",
	"Failures in each of the last 24 hours":                                        "最近 24 小时每小时的失败", "No job has failed.": "没有失败的任务。",
	"A job that fails for good is kept here with its error and stack trace, to be looked at and run again.": "最终失败的任务会连同错误和堆栈保留在这里，供查看和重新运行。",

	// One job.
	"priority %d": "优先级 %d", "Timeline": "时间线", "Progress": "进度", "%s of %s": "%s / %s 已处理", "Edit and requeue": "编辑并重新入队", "Clone": "复制为新任务",
	"%s errors in the chain": "错误链中的 %s 个错误", "Stack trace": "堆栈", "The whole stack, with Go and libraries": "完整堆栈，包括 Go 和各个库", "Log": "日志",
	"Payload": "参数", "Result": "结果", "Facts": "信息", "Your role does not see payloads and results.": "您的角色看不到参数和结果。", "Only the beginning is shown, of %s.": "共 %s，只显示开头。",
	"Lost its worker": "失去 worker", "%s times": "%s 次", "Timeout": "超时", "Result kept": "结果保留", "Unique key": "唯一键",
	"Depends on": "依赖于", "no longer in the store": "已不在存储中",

	// Workers and hotqueues.
	"%s of %s runners busy": "%s / %s 个运行槽忙", "%s lost": "%s 个失联", "stopping": "正在停止", "stuck": "卡住", "up": "已运行", "seen": "最近心跳",
	"No worker runs.": "没有 worker 在运行。", "Jobs wait until one does. Start your program's worker:": "任务会等到有 worker 为止。请启动程序的 worker：",
	"queues used like lists": "像列表一样使用的队列", "waiting": "等待", "put a minute": "每分钟放入", "got a minute": "每分钟取出", "failed calls": "失败的调用", "Clear": "清空",
	"There is no hotqueue yet.": "还没有 hotqueue 队列。", "A hotqueue appears with its first message. Put one from your program:": "放入第一条消息时，hotqueue 队列就会出现。请在程序里放入一条：",
	"Parameter workers": "参数 worker", "Remove the %s messages that wait in this hotqueue?": "删除此队列中等待的 %s 条消息？", "%s messages removed.": "已删除 %s 条消息。",

	// Settings and the form.
	"kept in this browser": "保存在此浏览器中", "Language": "语言", "Theme": "外观", "Pages change by themselves": "页面自动更新", "Save": "保存",
	"as the system": "跟随系统", "light": "浅色", "dark": "深色", "never": "从不", "every %s": "每 %s",
	"Enqueue a job": "让任务入队", "Priority": "优先级", "Delay": "延迟", "Payload (JSON)": "参数（JSON）",
	"A new job with this payload takes the place of the failed one, which is deleted.": "带有此参数的新任务将取代失败的任务，后者会被删除。",
	"The job is in.": "任务已入队。", "The job is in, with its new payload, and the old one is deleted.": "任务已带着新参数入队，旧任务已删除。",
	"The priority is 0 to %d.": "优先级为 0 至 %d。", "The payload is too long.": "参数太长。", "The payload is not JSON: %s.": "参数不是 JSON：%s。",
	"The delay %q is not a duration: write it as 90s, 10m or 24h.": "延迟 %q 不是时长：请写成 90s、10m 或 24h。",

	// Actions.
	"Requeue": "重新入队", "Cancel": "取消", "Delete": "删除",
	"Requeue %s jobs?": "重新入队 %s 个任务？", "Cancel %s jobs?": "取消 %s 个任务？", "Delete %s jobs?": "删除 %s 个任务？",
	"%s jobs requeued.": "已重新入队 %s 个任务。", "%s jobs canceled.": "已取消 %s 个任务。", "%s jobs deleted.": "已删除 %s 个任务。",
	"They run again at once, with their payloads unchanged.":                                       "它们会立即重新运行，参数不变。",
	"Jobs that wait for them fail. Started ones are asked to stop. Canceled jobs can be requeued.": "等待它们的任务会失败；运行中的会被要求停止。已取消的任务可以重新入队。",
	"This cannot be undone. Jobs that wait for unfinished ones fail.":                              "此操作无法撤销。等待未完成任务的任务会失败。",
	"This cannot be undone.":            "此操作无法撤销。",
	"%s were in another state or gone.": "另有 %s 个处于别的状态，或已不存在。", "More are left: do it again.": "还有剩余：请再做一次。",
	"There may be more: as far as was looked, there are at least so many.":          "可能还有更多：就已查看的而言，至少有这么多。",
	"Its payload is not shown here in full, so that it cannot be cloned or edited.": "它的参数在此不完整显示，因此不能复制或编辑。",
	"Select at least one job.": "请至少选择一个任务。", "There is no such action.": "没有这样的操作。",
	"Queue %s is paused: workers take no more of its jobs.": "队列 %s 已暂停：worker 不再领取其中的任务。", "Queue %s is resumed.": "队列 %s 已恢复。",

	// Errors.
	"Not connected: what you see may be old.": "连接已断开：所见内容可能已过时。", "There is no such page.": "没有这样的页面。",
	"There is no such job. A finished job is deleted unless its result is kept; other jobs are deleted when they are past their retention.": "没有这个任务。完成的任务会被删除，除非保留结果；其他任务超过保留期后也会被删除。",
	"The store does not answer. It may be down or busy; the server's log says more.":                                                        "存储没有应答，可能已停止或正忙；详情见服务器日志。",
	"The store took too long to answer. Narrow the filter, or try again.":                                                                   "存储应答太慢。请缩小筛选范围，或再试一次。",
	"That cannot be: %s": "不可行：%s", "That is more than the dashboard takes in one request.": "超过了一次请求所能接受的量。",
	"The value of %s is too long.": "%s 的值太长。", "The attempt %q is not a number.": "尝试次数 %q 不是数字。", "The address is too long.": "地址太长。",
	"Your role (%s) may not do this; it takes %s.": "您的角色（%s）不能这样做；需要 %s。", "This dashboard is read-only.": "此面板为只读。", "You may not see this.": "您无权查看。", "Sign in first.": "请先登录。",
	"Another site sent this request. Open the dashboard and do it there.":                             "此请求来自别的网站。请打开面板，在那里操作。",
	"This host name is not on the list of allowed ones (Config.Hosts).":                               "此主机名不在允许之列（Config.Hosts）。",
	"The dashboard is closed: its configuration is incomplete. The server's log says how to mend it.": "面板未开放：配置不完整。服务器日志说明了如何补全。",
	"Too many actions run in the background. Wait until one of them has ended, or cancel one.":        "后台操作过多。请等其中之一结束，或取消一个。",
	"The dashboard is being stopped.":                                                                 "面板正在停止。",
	"This page cannot be shown; the server's log says why.":                                           "此页无法显示；原因见服务器日志。", "Too many pages are open at once.": "同时打开的页面太多。",
}
