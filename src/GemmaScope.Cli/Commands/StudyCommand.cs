using System.CommandLine;

namespace GemmaScope.Cli.Commands;

/// <summary>Studies of chat models, each with the controls that make its numbers mean something.</summary>
internal sealed class StudyCommand : GemmaScopeCommand
{
    public StudyCommand()
        : base(
            "study",
            "Study a chat model, with controls, into a run folder with a page.",
            "gemmascope study refusal --harmful harmful.jsonl --harmless harmless.jsonl --out refusal-demo",
            "gemmascope study persona --out persona-demo"
        )
    {
        Subcommands.Add(new StudyRefusalCommand());
        Subcommands.Add(new StudyJailbreakCommand());
        Subcommands.Add(new StudyCotCommand());
        Subcommands.Add(new StudyKnowledgeCommand());
        Subcommands.Add(new StudyHiddenCommand());
        Subcommands.Add(new StudyPersonaCommand());
    }

    public override int Run(ParseResult arguments, Session session) =>
        throw new ArgumentProblemException($"say which study: {string.Join(", ", Subcommands.Select(command => command.Name))}", Name);
}
