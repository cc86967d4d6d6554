using GemmaScope.Bench;
using GemmaScope.Cli;

using var cancellation = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = !cancellation.IsCancellationRequested;
    cancellation.Cancel();
};
return MeasureCommand.Run(args, Terminal.OfProcess(), cancellation.Token);
